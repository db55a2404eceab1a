// What a decision answers, and what becomes of runs that ended without the warehouse.

import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { expect, test } from 'vitest';
import type { WarehouseResources } from '../../activities/resources.ts';
import { decideRuns } from '../../activities/run.ts';
import type { RunEndOrder } from '../../activities/warehouse/run-order.ts';
import { buildAssetGraph } from '../../workflows/model/asset/graph.ts';
import type { PlannedRun, RunEnd } from '../../workflows/model/asset/run.ts';

const run = (id: string, steps = 1): PlannedRun => ({
  ...{ id, cause: { kind: 'automation' } },
  steps: Array.from({ length: steps }, (_, no) => ({ no, asset: `a/${id}`, after: [], follows: false })),
});

async function decided(live: readonly PlannedRun[], look: boolean, options: { attempt?: number; ends?: object } = {}) {
  const ended: RunEndOrder[] = [];
  const rung: string[] = [];
  const ends = (options.ends ?? {}) as Readonly<Record<string, RunEnd>>;
  const resources = {
    graph: buildAssetGraph([], new Set()),
    warehouse: {
      decide: async () => ({ run: null, decided: [], later: [], live }),
      liveBackfills: async () => ['b1'],
      endRun: async (order: RunEndOrder) => void ended.push(order),
    },
    runLookup: { endOf: async (id: string) => ends[id] ?? null },
    doorbell: { changed: (assets: readonly string[]) => rung.push(...assets) },
  } as unknown as WarehouseResources;
  const context = { info: { attempt: options.attempt ?? 1 } } as unknown as Context;
  const answer = await asyncLocalStorage.run(context, () => decideRuns(resources, { closed: [], look }));
  const { backfills = [] } = answer;
  return { live: answer.live.map(({ id }) => id), backfills, ended: ended.map((one) => [one.run, one.status]), rung };
}

test('a look lists runs and backfills that have not ended, and ends those that Temporal has closed', async () => {
  const runs = [run('going'), run('killed'), run('lost')];
  expect(await decided(runs, true, { ends: { killed: 'cancelled', lost: 'failed' } })).toEqual({
    ...{ live: ['going'], backfills: ['b1'] },
    ended: [
      ['killed', 'cancelled'],
      ['lost', 'failed'],
    ],
    rung: ['a/killed', 'a/lost'],
  });
});

test('a decision alone lists none, but for one whose first attempt may have decided and died', async () => {
  const runs = [run('going')];
  expect(await decided(runs, false)).toMatchObject({ live: [], backfills: [] });
  expect((await decided(runs, false, { attempt: 2 })).live).toEqual(['going']);
});

test('an answer stays small, however many runs wait', async () => {
  const runs = Array.from({ length: 10 }, (_, i) => run(`r${i}`, 400));
  expect((await decided(runs, true)).live).toEqual(['r0', 'r1', 'r2', 'r3', 'r4']);
});
