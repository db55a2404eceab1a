// One step in the catalog: whether it has ended, and how it ends.

import type { Materialization } from '../../../../workflows/model/asset/record.ts';
import type { SkipReason, StepOutcome, StepReason, StepScope } from '../../../../workflows/model/asset/run.ts';
import { checkFailure } from '../../check-failure.ts';
import type { StepRef } from '../../run-order.ts';
import type { StagedStep } from '../assets/compute.ts';
import { literal } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';

interface StepRow {
  readonly scope: StepScope;
  readonly status: StepOutcome['status'];
  readonly reason: StepReason | null;
  readonly error: string | null;
  readonly partitions: string;
  readonly unchanged: string;
  readonly rows: string;
  readonly ended: boolean;
}

/** Null = the warehouse does not know the step: its file is a new one. */
export async function readStep(
  session: DuckDbSession,
  step: StepRef,
): Promise<{ readonly scope: StepScope; readonly outcome: StepOutcome | null } | null> {
  const [row] = await session.rows<StepRow>(
    `select scope, status, reason, error, partitions, unchanged, rows, ended_at is not null as ended
     from _walflow.steps where ${where(step)}`,
  );
  if (row === undefined) return null;
  const { scope, status, reason, error, partitions, unchanged, rows, ended } = row;
  const figures = { partitions: Number(partitions), unchanged: Number(unchanged), rows: Number(rows) };
  const why = { ...(reason === null ? {} : { reason }), ...(error === null ? {} : { error }) };
  return { scope, outcome: ended ? { status, ...why, ...figures } : null };
}

export async function isOpen(session: DuckDbSession, step: StepRef): Promise<boolean> {
  const rows = await session.rows(`select 1 from _walflow.steps where ${where(step)} and ended_at is null`);
  return rows.length > 0;
}

/** Inside a transaction; what it queues is written by the commit. */
export function endStep(
  session: DuckDbSession,
  step: StepRef,
  { status, reason, error, partitions, unchanged, rows }: StepOutcome,
  attempt: number,
  startedAt: string,
): void {
  session.queue(`delete from _walflow.planned where ${where(step)}`);
  session.queue(
    `update _walflow.steps set status = ${literal(status)}, reason = ${reason === undefined ? 'null' : literal(reason)},
       error = ${error === undefined ? 'null' : literal(error)}, partitions = ${partitions}, unchanged = ${unchanged}, rows = ${rows}, attempt = ${attempt},
       started_at = ${literal(startedAt)}::TIMESTAMPTZ, ended_at = now() where ${where(step)} and ended_at is null`,
  );
}

/** What a blocking check kept from being published makes the step fail. */
export function outcomeOf(
  asset: string,
  records: readonly Materialization[],
  { withheld, reshaped }: Pick<StagedStep, 'withheld' | 'reshaped'>,
): StepOutcome {
  if (records.length === 0 && withheld.length === 0) return skipped('up-to-date');
  const unchanged = records.filter((record) => record.unchanged === true).length;
  const figures = {
    ...{ partitions: records.length, unchanged },
    rows: records.reduce((sum, { rows }) => sum + rows, 0),
  };
  if (withheld.length === 0) return { status: unchanged === records.length ? 'unchanged' : 'succeeded', ...figures };
  const failed = { status: 'failed', error: checkFailure(asset, withheld).toLine(), ...figures } as const;
  // A table that waits to be made again as a whole is computed as a whole each time: then all of the asset rests.
  return records.length === 0 && reshaped ? failed : { ...failed, reason: 'withheld' };
}

export const skipped = (reason: SkipReason): StepOutcome => ({
  ...{ status: 'skipped', reason, partitions: 0, unchanged: 0, rows: 0 },
});

const where = ({ run, no }: StepRef) => `run = ${literal(run)} and no = ${no}`;
