// Runs that somebody asks for, how runs end, and the list of them, newest first.

import type { PlannedRun, RunStatus, StepScope, StepStatus } from '../../../../workflows/model/asset/run.ts';
import type { PlanOrder, RunEndOrder, RunQuery, RunView, StepView } from '../../run-order.ts';
import { isoText } from '../catalog-sql.ts';
import type { DuckDbOwner } from '../client.ts';
import { literal } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';
import { parseCause } from '../stored-json.ts';
import { readPlannedRun, writeEnds, writeRun } from './run-record.ts';
import type { RunningSteps } from './running-steps.ts';

export async function planRun(owner: DuckDbOwner, order: PlanOrder): Promise<PlannedRun> {
  return await owner.plan(async (session) => {
    const known = order.id === undefined ? null : await readPlannedRun(session, order.id);
    return known ?? writeRun(session, order);
  });
}

export async function endRun(owner: DuckDbOwner, running: RunningSteps, order: RunEndOrder): Promise<void> {
  await owner.use((session) => session.transaction(async () => writeEnds(session, order, running)));
  if (order.status !== null) running.forget(order.run);
}

interface RunRow {
  readonly id: string;
  readonly cause: string;
  readonly status: RunStatus;
  readonly createdAt: string;
  readonly endedAt: string | null;
}

interface StepRow {
  readonly run: string;
  readonly no: number;
  readonly asset: string;
  readonly scope: StepScope;
  readonly status: StepStatus;
  readonly reason: StepView['reason'] | null;
  readonly error: string | null;
  readonly planned: string;
  readonly partitions: string;
  readonly unchanged: string;
  readonly rows: string;
  readonly attempt: number;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

export async function listRuns(
  owner: DuckDbOwner,
  running: RunningSteps,
  query: RunQuery,
): Promise<readonly RunView[]> {
  const { status, asset, cause, cursor, limit } = query;
  // The catalog does not know which of those that have not ended are running.
  const isLive = status === 'queued' || status === 'running';
  const filters = [
    ...(status === undefined ? [] : [isLive ? 'ended_at is null' : `status = ${literal(status)}`]),
    ...(cause === undefined ? [] : [`cause->>'kind' = ${literal(cause)}`]),
    ...(asset === undefined ? [] : [`id in (select run from _walflow.steps where asset = ${literal(asset)})`]),
    ...(cursor === undefined
      ? []
      : [`(created_at, id) < (select (created_at, id) from _walflow.runs where id = ${literal(cursor)})`]),
  ];
  const where = filters.length === 0 ? '' : `where ${filters.join(' and ')}`;
  const end = isLive ? '' : `limit ${limit}`;
  const views = await owner.use((session) => readViews(session, running, where, end));
  return views.filter((view) => status === undefined || view.status === status).slice(0, limit);
}

/** Null = there is no such run. */
export async function readRun(owner: DuckDbOwner, running: RunningSteps, id: string): Promise<RunView | null> {
  const views = await owner.use((session) => readViews(session, running, `where id = ${literal(id)}`, ''));
  return views[0] ?? null;
}

async function readViews(
  session: DuckDbSession,
  running: RunningSteps,
  where: string,
  end: string,
): Promise<readonly RunView[]> {
  const runs = await session.rows<RunRow>(
    `select id, cause::VARCHAR as cause, status, ${isoText('created_at')} as "createdAt", ${isoText('ended_at')} as "endedAt"
     from _walflow.runs ${where} order by created_at desc, id desc ${end}`,
  );
  if (runs.length === 0) return [];
  const steps = await session.rows<StepRow>(
    `select run, no, asset, scope, status, reason, error, planned, partitions, unchanged, rows, attempt,
       ${isoText('started_at')} as "startedAt", ${isoText('ended_at')} as "endedAt"
     from _walflow.steps where run in (${runs.map(({ id }) => literal(id)).join(', ')}) order by run, no`,
  );
  const byRun = Map.groupBy(steps, ({ run }) => run);
  return runs.map((run) => runView(run, byRun.get(run.id) ?? [], running));
}

function runView({ id, cause, status, createdAt, endedAt }: RunRow, rows: readonly StepRow[], running: RunningSteps) {
  const steps = rows.map((row) => stepView(row, running));
  const starts = steps.flatMap(({ startedAt }) => startedAt ?? []).sort();
  const isRunning = endedAt === null && (running.isRunning(id) || rows.some((row) => row.endedAt !== null));
  return {
    ...{ id, status: isRunning ? ('running' as const) : status, cause: parseCause(cause), createdAt },
    ...{ startedAt: starts[0] ?? null, endedAt, steps },
  };
}

function stepView(
  { run, reason, error, planned, partitions, unchanged, rows, ...row }: StepRow,
  running: RunningSteps,
) {
  const started = row.endedAt === null ? running.of({ run, no: row.no }) : null;
  return {
    ...row,
    ...(started === null ? {} : { startedAt: started.startedAt, attempt: started.attempt }),
    ...(started?.running === true ? { status: 'running' as const } : {}),
    ...{ planned: Number(planned), partitions: Number(partitions), unchanged: Number(unchanged), rows: Number(rows) },
    ...(reason === null || reason === undefined ? {} : { reason }),
    ...(error === null ? {} : { error }),
  };
}
