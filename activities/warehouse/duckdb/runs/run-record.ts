// Runs and their steps in the catalog: written when they are planned and when they end, never in between.

import { randomBytes } from 'node:crypto';
import { type PlannedRun, type RunCause, type RunStep, runIdOf } from '../../../../workflows/model/asset/run.ts';
import type { StepConclusion } from '../../../../workflows/model/asset/step-queue.ts';
import type { PlannedStep, RunEndOrder } from '../../run-order.ts';
import { codeVersionOf } from '../assets/asset-sql.ts';
import { literal } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';
import { parseCause } from '../stored-json.ts';
import type { RunningSteps } from './running-steps.ts';

/** What a run is made of, before it has an id. */
export interface RunDraft {
  readonly id?: string;
  readonly cause: RunCause;
  readonly steps: readonly (PlannedStep & { readonly follows?: boolean })[];
  readonly nowMs: number;
}

export const newRunId = (nowMs: number) => runIdOf(nowMs, randomBytes(3).toString('hex'));

/** Inside a transaction; what it queues is written by the commit. */
export function writeRun(session: DuckDbSession, { id, cause, steps, nowMs }: RunDraft): PlannedRun {
  const run = {
    id: id ?? newRunId(nowMs),
    cause,
    steps: steps.map((step, i) => runStep(step, i, steps)),
  };
  session.queue(
    `insert into _walflow.runs by name select ${literal(run.id)} as id, ${literal(JSON.stringify(cause))}::JSON as cause,
       'queued' as status, to_timestamp(${nowMs} / 1000) as created_at`,
  );
  const rows = run.steps.map((step, i) => stepRow(run.id, step, steps[i] as PlannedStep));
  session.queue(
    `insert into _walflow.steps (run, no, asset, scope, after_steps, follows, code_version, planned, status, partitions,
       unchanged, rows, attempt) values ${rows.join(', ')}`,
  );
  for (const [i, step] of steps.entries()) {
    const list = plannedOf(step);
    if (list === null) continue;
    const partitions = `from_json(${literal(JSON.stringify(list))}::JSON, '["VARCHAR"]')`;
    session.queue(
      `insert into _walflow.planned select ${literal(run.id)}, ${i}, ${literal(step.asset.key)}, unnest(${partitions})`,
    );
  }
  return run;
}

function runStep({ asset, follows }: RunDraft['steps'][number], no: number, steps: RunDraft['steps']): RunStep {
  const reads = new Set(asset.inputs.map(({ from }) => from.key));
  const after = steps.flatMap((step, i) => (reads.has(step.asset.key) ? [i] : []));
  return { no, asset: asset.key, after, follows: follows === true };
}

/** An asset without partitions is listed as one that has no name. */
function plannedOf({ asset, scope, partitions }: PlannedStep): readonly (string | null)[] | null {
  if (scope === 'due' || scope === 'stale') return null;
  return asset.definition.partitions === undefined ? [null] : [...new Set(partitions ?? [])];
}

function stepRow(run: string, { no, after, follows }: RunStep, step: PlannedStep): string {
  const { asset, scope } = step;
  const code = codeVersionOf(asset.definition);
  const planned = plannedOf(step)?.length ?? 0;
  const texts = [asset.key, scope].map(literal).join(', ');
  return `(${literal(run)}, ${no}, ${texts}, [${after.join(', ')}]::INTEGER[], ${follows}, ${literal(code)}, ${planned}, 'queued', 0, 0, 0, 0)`;
}

interface LiveRow {
  readonly run: string;
  readonly cause: string;
  readonly no: number;
  readonly asset: string;
  readonly scope: string;
  readonly after: readonly number[];
  readonly follows: boolean;
  readonly open: boolean;
}

export interface LiveRun extends PlannedRun {
  /** Assets that a step of it which has not ended chooses partitions of. */
  readonly choosing: readonly string[];
  /** Assets of its steps that have not ended. */
  readonly open: readonly string[];
}

/** Runs that have not ended, oldest first. */
export async function readLiveRuns(session: DuckDbSession): Promise<readonly LiveRun[]> {
  const rows = await session.rows<LiveRow>(
    `select run, cause::VARCHAR as cause, no, asset, scope, after_steps as after, follows, steps.ended_at is null as open
     from _walflow.runs join _walflow.steps on run = id where runs.ended_at is null order by created_at, run, no`,
  );
  return [...Map.groupBy(rows, ({ run }) => run)].map(([id, steps]) => ({
    id,
    cause: parseCause(steps[0]?.cause ?? ''),
    steps: steps.map(({ no, asset, after, follows }) => ({ no, asset, after, follows })),
    open: steps.flatMap(({ asset, open }) => (open ? [asset] : [])),
    choosing: steps.flatMap(({ asset, scope, open }) => (open && !scope.startsWith('listed') ? [asset] : [])),
  }));
}

/** Null = there is no such run. */
export async function readPlannedRun(session: DuckDbSession, id: string): Promise<PlannedRun | null> {
  const rows = await session.rows<Omit<LiveRow, 'scope' | 'open'>>(
    `select run, cause::VARCHAR as cause, no, asset, after_steps as after, follows
     from _walflow.runs join _walflow.steps on run = id where id = $1 order by no`,
    [id],
  );
  const [first] = rows;
  if (first === undefined) return null;
  const steps = rows.map(({ no, asset, after, follows }) => ({ no, asset, after, follows }));
  return { id, cause: parseCause(first.cause), steps };
}

/** Inside a transaction. */
export function writeEnds(session: DuckDbSession, order: RunEndOrder, running: RunningSteps): void {
  const { run, status, steps } = order;
  const id = literal(run);
  const at = `to_timestamp(${order.nowMs} / 1000)`;
  for (const step of steps) session.queue(endSql(order, step, running));
  if (status === null) return;
  session.queue(
    `update _walflow.steps set status = 'cancelled', ended_at = ${at} where run = ${id} and ended_at is null`,
  );
  session.queue(`delete from _walflow.planned where run = ${id}`);
  session.queue(
    `update _walflow.runs set status = ${literal(status)}, ended_at = ${at} where id = ${id} and ended_at is null`,
  );
}

function endSql(
  { run, nowMs }: RunEndOrder,
  { no, status, reason, error }: StepConclusion,
  running: RunningSteps,
): string {
  const started = running.of({ run, no });
  const of = `where run = ${literal(run)} and no = ${no}`;
  const values = [
    `status = ${literal(status)}, ended_at = to_timestamp(${nowMs} / 1000)`,
    ...(reason === undefined ? [] : [`reason = ${literal(reason)}`]),
    ...(error === undefined ? [] : [`error = ${literal(error)}`]),
    ...(started === null
      ? []
      : [`attempt = ${started.attempt}, started_at = ${literal(started.startedAt)}::TIMESTAMPTZ`]),
  ];
  return `update _walflow.steps set ${values.join(', ')} ${of} and ended_at is null;
    delete from _walflow.planned ${of}`;
}
