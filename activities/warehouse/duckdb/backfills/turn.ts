// What a backfill does next: notes how its run ended, then stores the next run, of the lowest layer that is not done. A run that
// fails is divided until it is known which partition fails: the others are computed.

import type { BackfillProgress, BackfillTurn } from '../../../../workflows/model/asset/backfill.ts';
import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../../../workflows/model/asset/partition.ts';
import type {
  PlannedRun,
  RunStatus,
  StepReason,
  StepScope,
  StepStatus,
} from '../../../../workflows/model/asset/run.ts';
import { runWorkflowId } from '../../../../workflows/model/names.ts';
import type { TurnOrder } from '../../backfill-order.ts';
import type { DuckDbOwner } from '../client.ts';
import { literal } from '../identifier.ts';
import { readPlannedRun, writeRun } from '../runs/run-record.ts';
import type { DuckDbSession } from '../session.ts';
import { skipReadersSql } from './backfill-sql.ts';
import { endBackfill, readBackfillRow, reservation, unknownBackfill } from './backfills.ts';

/** See `BackfillStore.backfillTurn`. @throws WalflowError BACKFILL_UNKNOWN */
export async function backfillTurn(owner: DuckDbOwner, order: TurnOrder): Promise<BackfillTurn> {
  return await owner.plan(async (session) => {
    const { backfill: id, nowMs } = order;
    const row = await readBackfillRow(session, id);
    if (row === null) throw unknownBackfill(id);
    const underWay = await settle(session, id);
    if (row.status !== 'running' && row.status !== 'paused') return { tag: 'ended', status: row.status };
    if (underWay !== null) return { tag: 'run', run: underWay, progress: await readProgress(session, id) };
    const isPaused = row.status === 'paused';
    if (isPaused || (await isTaken(session, id))) {
      return { tag: 'wait', paused: isPaused, progress: await readProgress(session, id) };
    }
    const run = await nextRun(session, order, row.only);
    if (run !== null) return { tag: 'run', run, progress: await readProgress(session, id) };
    const status = (await hasFailed(session, id)) ? 'failed' : 'succeeded';
    await endBackfill(session, id, status, nowMs);
    return { tag: 'ended', status };
  });
}

interface UnderWay {
  readonly run: string;
  /** `queued` until it has ended. */
  readonly status: RunStatus;
  readonly step: StepStatus;
  readonly reason: StepReason | null;
  readonly error: string | null;
  readonly partitions: string;
}

interface EndedRun extends Omit<UnderWay, 'partitions'> {
  /** Those that it has not published. */
  readonly partitions: number;
}

/** @returns the run that has not ended, if there is one */
async function settle(session: DuckDbSession, backfill: string): Promise<PlannedRun | null> {
  const [underWay] = await session.rows<UnderWay>(
    `select taken.run, run.status, step.status as step, step.reason, step.error, taken.partitions
     from (select run, count(*) as partitions from _walflow.backfill_partitions
       where backfill = $1 and state = 'running' group by run) taken
     join _walflow.runs run on run.id = taken.run join _walflow.steps step on step.run = taken.run`,
    [backfill],
  );
  if (underWay === undefined) return null;
  if (underWay.status === 'queued') return await readPlannedRun(session, underWay.run);
  // What a check did not keep from being published is not computed again.
  const published = underWay.step === 'failed' ? await settlePublished(session, backfill, underWay) : 0;
  await settleRest(session, backfill, { ...underWay, partitions: Number(underWay.partitions) - published });
  return null;
}

/** @returns how many partitions a run that failed has published, or had no need to */
async function settlePublished(session: DuckDbSession, backfill: string, { run, reason }: UnderWay): Promise<number> {
  const isPublished = `exists (from _walflow.materializations record where record.workflow_id = $2
    and record.asset = taken.asset and record.partition is not distinct from taken.partition)`;
  // Of a step that only checks held back, all else is as it should be: it was published, or was not stale any more.
  const isHeldBack = `exists (from _walflow.checks result where result.asset = taken.asset
    and result.partition is not distinct from taken.partition and result.state <> 'passed')`;
  return await session.run(
    `update _walflow.backfill_partitions taken set state = 'done', run = null where backfill = $1 and state = 'running'
     and (${isPublished}${reason === 'withheld' ? ` or not ${isHeldBack}` : ''})`,
    [backfill, runWorkflowId(run)],
  );
}

async function settleRest(session: DuckDbSession, backfill: string, underWay: EndedRun): Promise<void> {
  if (isTriedAgain(underWay)) await reserve(session, backfill);
  await session.run(
    `update _walflow.backfill_partitions set run = null, ${outcome(underWay)} where backfill = $1 and state = 'running'`,
    [backfill],
  );
}

/** What becomes of the partitions of a run that has ended. */
function outcome(underWay: EndedRun): string {
  const { step, reason, error, partitions } = underWay;
  if (isTriedAgain(underWay)) return `state = 'pending', size = ${Math.ceil(partitions / 2)}`;
  if (step === 'skipped' && reason === 'removed') return `state = 'skipped', reason = 'the asset was removed'`;
  if (step === 'cancelled') return `state = 'failed', reason = 'its run was cancelled'`;
  return step === 'failed' ? `state = 'failed', reason = ${literal(error ?? 'its run failed')}` : `state = 'done'`;
}

/** In halves; what a check holds back is known by name. */
const isTriedAgain = ({ status, step, reason, partitions }: EndedRun) =>
  status !== 'cancelled' && step === 'failed' && reason !== 'withheld' && partitions > 1;

/** The partitions that run now, once more. */
async function reserve(session: DuckDbSession, backfill: string): Promise<void> {
  await session.run(
    `insert into _walflow.planned select ${literal(reservation(backfill))}, 0, asset, partition
     from _walflow.backfill_partitions where backfill = $1 and state = 'running'`,
    [backfill],
  );
}

/** One run of all backfills at a time: automation must find a place beside them. */
async function isTaken(session: DuckDbSession, backfill: string): Promise<boolean> {
  const others = await session.rows(
    `select 1 from _walflow.backfill_partitions taken join _walflow.runs run on run.id = taken.run
     where taken.backfill <> $1 and taken.state = 'running' and run.ended_at is null limit 1`,
    [backfill],
  );
  return others.length > 0;
}

interface NextAsset {
  readonly asset: string;
  readonly size: number;
}

async function nextRun(
  session: DuckDbSession,
  { backfill, assets, nowMs }: TurnOrder,
  only: 'missing' | 'stale' | null,
): Promise<PlannedRun | null> {
  for (;;) {
    const [next] = await session.rows<NextAsset>(
      `select asset, size from _walflow.backfill_partitions where backfill = $1 and state = 'pending'
       order by layer, position limit 1`,
      [backfill],
    );
    if (next === undefined) return null;
    const asset = assets.find(({ key }) => key === next.asset);
    if ((await leaveOut(session, backfill, next.asset, asset)) > 0) continue;
    if (asset === undefined) return null;
    const partitions = await take(session, backfill, next);
    const scope: StepScope = only === null ? 'listed' : `listed-${only}`;
    const run = writeRun(session, {
      cause: { kind: 'backfill', id: backfill },
      steps: [{ asset, scope, ...(partitions === null ? {} : { partitions }) }],
      nowMs,
    });
    await session.run(
      `delete from _walflow.planned reserved using _walflow.backfill_partitions taken
       where reserved.run = $2 and taken.backfill = $1 and taken.state = 'running' and reserved.asset = taken.asset
         and reserved.partition is not distinct from taken.partition`,
      [backfill, reservation(backfill)],
    );
    await session.run(`update _walflow.backfill_partitions set run = $2 where backfill = $1 and state = 'running'`, [
      backfill,
      run.id,
    ]);
    return run;
  }
}

/** Takes out what cannot be computed. @returns how many partitions */
async function leaveOut(
  session: DuckDbSession,
  backfill: string,
  key: string,
  asset: DerivedAsset | undefined,
): Promise<number> {
  if (asset === undefined) {
    // Of what is no longer there nothing is due.
    return await session.run(
      `update _walflow.backfill_partitions set state = 'skipped', reason = 'the asset was removed'
       where backfill = $1 and asset = $2 and state = 'pending'`,
      [backfill, key],
    );
  }
  if (!(await hasFailed(session, backfill))) return 0;
  let skipped = 0;
  for (const sql of skipReadersSql(backfill, asset)) skipped += await session.run(sql);
  return skipped;
}

/** Marks the next partitions of an asset as running. @returns their keys; null = the whole of an asset without partitions */
async function take(
  session: DuckDbSession,
  backfill: string,
  { asset, size }: NextAsset,
): Promise<readonly PartitionKey[] | null> {
  const taken = await session.rows<{ partition: PartitionKey | null }>(
    `update _walflow.backfill_partitions set state = 'running' where backfill = $1 and position in (
       select position from _walflow.backfill_partitions
       where backfill = $1 and state = 'pending' and asset = $2 and size = ${size} order by position limit ${size})
     returning partition`,
    [backfill, asset],
  );
  const keys = taken.flatMap(({ partition }) => partition ?? []);
  return keys.length === 0 ? null : keys;
}

async function hasFailed(session: DuckDbSession, backfill: string): Promise<boolean> {
  const failed = await session.rows(
    `select 1 from _walflow.backfill_partitions where backfill = $1 and state in ('failed', 'skipped') limit 1`,
    [backfill],
  );
  return failed.length > 0;
}

async function readProgress(session: DuckDbSession, backfill: string): Promise<BackfillProgress> {
  const [row] = await session.rows<{ done: string; total: string }>(
    `select count(*) filter (state not in ('pending', 'running')) as done, count(*) as total
     from _walflow.backfill_partitions where backfill = $1`,
    [backfill],
  );
  return { done: Number(row?.done ?? 0), total: Number(row?.total ?? 0) };
}
