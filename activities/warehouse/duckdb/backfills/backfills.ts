// Backfills in the catalog: each of their partitions is a row until the backfill has ended. ⚠ What it has not computed stands in
// `_walflow.planned` too: automation leaves that to it.

import type { BackfillCounts, BackfillEnd, BackfillStatus } from '../../../../workflows/model/asset/backfill.ts';
import { isoFromMicros } from '../../../../workflows/model/commit-time.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import type {
  BackfillDetail,
  BackfillFailure,
  BackfillOrder,
  BackfillPlan,
  BackfillView,
} from '../../backfill-order.ts';
import { isoText } from '../catalog-sql.ts';
import type { DuckDbOwner } from '../client.ts';
import { literal } from '../identifier.ts';
import { newRunId } from '../runs/run-record.ts';
import type { DuckDbSession } from '../session.ts';
import { CHOSEN, choose } from './backfill-sql.ts';

const LIVE: readonly BackfillStatus[] = ['running', 'paused'];
const FAILURES_SHOWN = 100;

/** What a backfill would compute. */
export async function backfillPlan(owner: DuckDbOwner, order: BackfillOrder): Promise<BackfillPlan> {
  return await owner.use(async (session) => {
    await choose(session, order);
    const assets = await session.rows<{ asset: string; partitions: string }>(
      `select asset, count(*) as partitions from temp.main.${CHOSEN} group by asset order by min(position)`,
    );
    return { assets: assets.map(({ asset, partitions }) => ({ asset, partitions: Number(partitions) })) };
  });
}

/** @returns its id; null when nothing is to be done */
export async function planBackfill(owner: DuckDbOwner, order: BackfillOrder): Promise<string | null> {
  return await owner.plan(async (session) => {
    if ((await choose(session, order)) === 0) return null;
    const id = newRunId(order.nowMs);
    await session.run(
      `insert into _walflow.backfills (id, selection, only_state, chunk, status, created_at)
       values ($1, $2, $3, $4, 'running', $5::TIMESTAMPTZ)`,
      [id, order.selection, order.only, order.chunk, isoFromMicros(order.nowMs * 1000)],
    );
    await session.run(
      `insert into _walflow.backfill_partitions by name
       select $1 as backfill, layer, position, asset, partition, ${order.chunk} as size, 'pending' as state
       from temp.main.${CHOSEN}`,
      [id],
    );
    await session.run(
      `insert into _walflow.planned select ${literal(reservation(id))}, 0, asset, partition from temp.main.${CHOSEN}`,
    );
    return id;
  });
}

/** What stands for the run of partitions in `_walflow.planned` that have none yet. */
export const reservation = (backfill: string) => `backfill/${backfill}`;

/** Pauses, resumes or ends one. See `BackfillStore.setBackfill`. */
export async function setBackfill(
  owner: DuckDbOwner,
  id: string,
  status: 'running' | 'paused' | 'cancelled',
  nowMs: number,
): Promise<{ readonly status: BackfillStatus; readonly run: string | null } | null> {
  return await owner.plan(async (session) => {
    const row = await readBackfillRow(session, id);
    if (row === null) return null;
    const known = row.status;
    const [under] = await session.rows<{ run: string }>(
      `select run from _walflow.backfill_partitions where backfill = $1 and state = 'running' limit 1`,
      [id],
    );
    const isLive = LIVE.includes(known);
    if (isLive && status === 'cancelled') await endBackfill(session, id, status, nowMs);
    else if (isLive) await session.run('update _walflow.backfills set status = $2 where id = $1', [id, status]);
    return { status: isLive ? status : known, run: under?.run ?? null };
  });
}

/** Null = there is no such backfill. */
export async function readBackfillRow(
  session: DuckDbSession,
  id: string,
): Promise<Pick<BackfillRow, 'status' | 'only'> | null> {
  const [row] = await session.rows<Pick<BackfillRow, 'status' | 'only'>>(
    'select status, only_state as "only" from _walflow.backfills where id = $1',
    [id],
  );
  return row ?? null;
}

/** Keeps how many partitions came out how, and those that could not be computed. */
export async function endBackfill(
  session: DuckDbSession,
  id: string,
  status: BackfillEnd,
  nowMs: number,
): Promise<void> {
  await session.run(
    `update _walflow.backfills set status = $2, ended_at = $3::TIMESTAMPTZ,
       counts = (select to_json(list(c order by c.position)) from (${countsSql}) c where c.backfill = $1)
     where id = $1`,
    [id, status, isoFromMicros(nowMs * 1000)],
  );
  await session.run(
    `delete from _walflow.backfill_partitions where backfill = $1 and state not in ('failed', 'skipped')`,
    [id],
  );
  await session.run('delete from _walflow.planned where run = $1', [reservation(id)]);
}

/** Per backfill and asset, while its partitions are rows. */
const count = (state: string) => `count(*) filter (state = '${state}')::INTEGER as ${state}`;
const countsSql = `select backfill, asset, min(position)::INTEGER as position, count(*)::INTEGER as total, ${count('done')},
  ${count('failed')}, ${count('skipped')} from _walflow.backfill_partitions group by backfill, asset`;

interface BackfillRow {
  readonly id: string;
  readonly selection: string;
  readonly only: BackfillView['only'];
  readonly chunk: number;
  readonly status: BackfillStatus;
  readonly createdAt: string;
  readonly endedAt: string | null;
  readonly seconds: number;
  /** JSON of `BackfillCounts`. */
  readonly counts: string | null;
}

/** Newest first. */
export async function listBackfills(owner: DuckDbOwner, limit: number): Promise<readonly BackfillView[]> {
  return await owner.use((session) => readViews(session, 'order by created_at desc, id desc limit $1', [limit]));
}

export async function readBackfill(owner: DuckDbOwner, id: string): Promise<BackfillDetail | null> {
  return await owner.use(async (session) => {
    const [view] = await readViews(session, 'where id = $1', [id]);
    if (view === undefined) return null;
    const failures = await session.rows<BackfillFailure>(
      `select asset, partition, state, coalesce(reason, '') as reason from _walflow.backfill_partitions
       where backfill = $1 and state in ('failed', 'skipped') order by position limit ${FAILURES_SHOWN}`,
      [id],
    );
    return { ...view, failures };
  });
}

export async function liveBackfills(owner: DuckDbOwner): Promise<readonly string[]> {
  const rows = await owner.use((session) =>
    session.rows<{ id: string }>(`select id from _walflow.backfills where status in ('running', 'paused') order by id`),
  );
  return rows.map(({ id }) => id);
}

async function readViews(
  session: DuckDbSession,
  which: string,
  parameters: readonly (string | number)[],
): Promise<readonly BackfillView[]> {
  const rows = await session.rows<BackfillRow>(
    `select id, selection, only_state as "only", chunk, status, ${isoText('created_at')} as "createdAt",
       ${isoText('ended_at')} as "endedAt", epoch(now() - created_at) as seconds,
       coalesce(counts, (select to_json(list(c order by c.position)) from (${countsSql}) c where c.backfill = id))
         as counts
     from _walflow.backfills ${which}`,
    parameters,
  );
  return rows.map(({ counts, seconds, ...row }) => {
    const assets = countsOf(counts);
    return { ...row, assets, secondsLeft: row.status === 'running' ? secondsLeft(assets, seconds) : null };
  });
}

function countsOf(json: string | null): readonly BackfillCounts[] {
  const counts = JSON.parse(json ?? '[]') as readonly BackfillCounts[];
  return counts.map(({ asset, total, done, failed, skipped }) => ({ asset, total, done, failed, skipped }));
}

/** As if all partitions took as long as those that are done. */
function secondsLeft(assets: readonly BackfillCounts[], seconds: number): number | null {
  const ended = assets.reduce((sum, { done, failed, skipped }) => sum + done + failed + skipped, 0);
  const total = assets.reduce((sum, asset) => sum + asset.total, 0);
  return ended === 0 ? null : Math.round(((total - ended) / ended) * seconds);
}

export function unknownBackfill(id: string): WalflowError {
  return new WalflowError('BACKFILL_UNKNOWN', `there is no backfill ${id}`);
}
