// Decides what automation runs, in one transaction: what is due by the rule, and what reads it, becomes a run before anything
// starts. So a kill loses no decision, and none is made twice.

import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { DecideOrder, Decision, PlannedStep } from '../../run-order.ts';
import { readyAssets } from '../assets/assets.ts';
import { statesSql } from '../assets/staleness-sql.ts';
import type { DuckDbOwner } from '../client.ts';
import type { DuckDbSession } from '../session.ts';
import { eagerSql } from './eager-sql.ts';
import { restingAssets } from './resting.ts';
import { type LiveRun, readLiveRuns, writeRun } from './run-record.ts';

/** Runs of automation at once: more would only wait for each other. */
const RUNS_AT_ONCE = 8;
/** So that the input of a run stays far below what Temporal takes. The next decision takes the others. */
const STEPS_A_RUN = 400;

export async function decide(owner: DuckDbOwner, order: DecideOrder): Promise<Decision> {
  return await owner.plan((session) => decideInTransaction(session, order));
}

async function decideInTransaction(session: DuckDbSession, order: DecideOrder): Promise<Decision> {
  const eager = order.assets.filter(({ definition }) => definition.automation?.kind === 'eager');
  const live = await readLiveRuns(session);
  const due = await dueByRule(session, eager, order.nowMs);
  const resting = due.size === 0 ? new Map<string, number>() : await restingAssets(session, eager, order.nowMs);
  const audited = new Set(eager.filter(({ checks }) => checks.some(({ blocking }) => blocking)).map(({ key }) => key));
  // ⚠ Blocking checks see all of an asset: two steps of it would overtake each other again and again.
  const computing = live.flatMap(({ open }) => open.filter((key) => audited.has(key)));
  const busy = new Set([...live.flatMap(({ choosing }) => choosing), ...computing, ...resting.keys()]);
  const wanted = eager.filter(({ key }) => due.has(key) && !busy.has(key));
  const isOpen = (asset: DerivedAsset) => !order.closed.includes(everyMsOf(asset));
  const later = [...new Set(wanted.filter((asset) => !isOpen(asset)).map(everyMsOf))];
  const free = live.filter(({ cause }) => cause.kind === 'automation').length < RUNS_AT_ONCE;
  const first = new Set(free ? wanted.filter(isOpen).map(({ key }) => key) : []);
  const steps = withReaders(eager, first, (asset) => isOpen(asset) && !busy.has(asset.key)).slice(0, STEPS_A_RUN);
  const run =
    steps.length === 0 ? null : writeRun(session, { cause: { kind: 'automation' }, steps, nowMs: order.nowMs });
  const decided = [...new Set(steps.map(({ asset }) => everyMsOf(asset)))];
  return { run, decided, later, live: live.map(({ choosing: _, open: __, ...one }: LiveRun) => one) };
}

const everyMsOf = ({ definition }: DerivedAsset) => definition.everyMs ?? 0;

/** Those that are due, and the others that these will make due, in the order of the graph. */
function withReaders(
  eager: readonly DerivedAsset[],
  due: ReadonlySet<string>,
  mayFollow: (asset: DerivedAsset) => boolean,
): (PlannedStep & { readonly follows: boolean })[] {
  const chosen = new Set<string>();
  return eager.flatMap((asset) => {
    const isDue = due.has(asset.key);
    const reads = asset.inputs.some(({ from, touch }) => touch.tag !== 'none' && chosen.has(from.key));
    if (!isDue && !(reads && mayFollow(asset))) return [];
    chosen.add(asset.key);
    return [{ asset, scope: 'due' as const, follows: !isDue }];
  });
}

/** Without partitions that a step of some run has on its list. */
async function dueByRule(session: DuckDbSession, eager: readonly DerivedAsset[], nowMs: number) {
  const ready = await readyAssets(session, eager);
  if (ready.length === 0) return new Set<string>();
  const rows = await session.rows<{ asset: string }>(
    `select distinct states.asset from (from (${statesSql(ready)}) where ${eagerSql(ready, nowMs)}) states
     anti join _walflow.planned on planned.asset = states.asset
       and planned.partition is not distinct from states.partition`,
  );
  return new Set(rows.map(({ asset }) => asset));
}
