// Ticks of schedules: what is handled, and the run that handles it.

import type { PlannedRun } from '../../../../workflows/model/asset/run.ts';
import type { TickOrder } from '../../schedule-order.ts';
import { isoText } from '../catalog-sql.ts';
import type { DuckDbOwner } from '../client.ts';
import { literal } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';
import { readPlannedRun, writeRun } from './run-record.ts';

export async function planTick(owner: DuckDbOwner, order: TickOrder): Promise<PlannedRun | null> {
  return await owner.plan((session) => planInTransaction(session, order));
}

async function planInTransaction(session: DuckDbSession, order: TickOrder): Promise<PlannedRun | null> {
  const { id, schedule, cause, nowMs } = order;
  const known = await readPlannedRun(session, id);
  if (known !== null) return known;
  const plan = order.plan(await readHandledMs(session, schedule));
  if (plan === null) return null;
  if (plan.handledMs !== null) writeHandled(session, schedule, plan.handledMs);
  return plan.steps.length === 0 ? null : writeRun(session, { id, cause, steps: plan.steps, nowMs });
}

async function readHandledMs(session: DuckDbSession, schedule: string): Promise<number | null> {
  const [row] = await session.rows<{ ms: string }>(
    'select epoch_ms(handled_at) as ms from _walflow.schedules where name = $1',
    [schedule],
  );
  return row === undefined ? null : Number(row.ms);
}

/** Written by the commit. */
function writeHandled(session: DuckDbSession, schedule: string, handledMs: number): void {
  const name = literal(schedule);
  session.queue(`delete from _walflow.schedules where name = ${name}`);
  session.queue(`insert into _walflow.schedules values (${name}, to_timestamp(${handledMs} / 1000))`);
}

export async function readHandledTimes(owner: DuckDbOwner): Promise<ReadonlyMap<string, string>> {
  const rows = await owner.use((session) =>
    session.rows<{ name: string; at: string }>(`select name, ${isoText('handled_at')} as at from _walflow.schedules`),
  );
  return new Map(rows.map(({ name, at }) => [name, at]));
}
