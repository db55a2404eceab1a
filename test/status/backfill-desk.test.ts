import { describe, expect, test } from 'vitest';
import type { BackfillOrder } from '../../activities/warehouse/backfill-order.ts';
import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import { BackfillDesk } from '../../workers/status/backfill-desk.ts';
import type { AssetDefinition } from '../../workflows/model/asset/definition.ts';
import { buildAssetGraph } from '../../workflows/model/asset/graph.ts';

const daily: AssetDefinition = {
  ...{ key: 'a/daily', deps: [{ key: 'shop/public.orders', by: 'at' }], sql: 'select {start} as day' },
  partitions: { kind: 'daily', start: '2026-01-01', end: '2026-01-11', output: 'day' },
};
const total: AssetDefinition = { key: 'a/total', deps: ['a/daily'], sql: 'select 1 as one' };
const graph = buildAssetGraph([daily, total], new Set(['shop']));

/** A desk before a warehouse that only remembers what it was asked. */
function deskWith(orders: BackfillOrder[]) {
  const asked: Pick<Warehouse, 'backfillPlan'> = {
    backfillPlan: async (order) => {
      orders.push(order);
      return { assets: [] };
    },
  };
  return new BackfillDesk({
    ...{ client: {} as never, settings: { heartbeatTimeoutSeconds: 30, searchAttributes: false }, graph },
    ...{ warehouse: asked as Warehouse, cancelRun: async () => {} },
  });
}

describe('a backfill over a selection', () => {
  test('is planned for the range, asset by asset with its layer', async () => {
    const orders: BackfillOrder[] = [];
    const selected = new Set(['a/daily', 'a/total', 'shop/public.orders']);
    const request = { select: 'a/*', from: '2026-01-03', to: '2026-01-04', dryRun: true } as const;
    expect(await deskWith(orders).start(request, selected)).toEqual({ id: null, assets: [] });
    expect(orders[0]?.assets.map(({ asset, layer, partitions }) => [asset.key, layer, partitions])).toEqual([
      ['a/daily', 0, ['2026-01-03', '2026-01-04']],
      ['a/total', 1, null],
    ]);
    expect(orders[0]).toMatchObject({ selection: 'a/*', only: null, chunk: 100 });
  });

  test('without partitions, or for what is no key, is refused with what to do', async () => {
    const desk = deskWith([]);
    const start = async (keys: readonly string[], from?: string) =>
      await desk.start({ select: 'x', dryRun: false, from }, new Set(keys));
    await expect(start(['a/total'])).rejects.toMatchObject({ code: 'BACKFILL_INVALID' });
    await expect(start(['a/daily'], '2026-02-30')).rejects.toMatchObject({
      ...{ code: 'BACKFILL_INVALID', message: expect.stringContaining('"2026-02-30" is not a day') },
    });
  });

  test('is stored once, and answered as it was stored', async () => {
    const started: string[] = [];
    const stored = { assets: [{ asset: 'a/daily', total: 2, done: 0, failed: 0, skipped: 0 }] };
    const warehouse = { planBackfill: async () => 'b1', backfill: async () => stored } as unknown as Warehouse;
    const client = {
      workflow: { start: async (_: string, { workflowId }: { workflowId: string }) => started.push(workflowId) },
    };
    const desk = new BackfillDesk({
      ...{ client: client as never, settings: { heartbeatTimeoutSeconds: 30, searchAttributes: false }, graph },
      ...{ warehouse, cancelRun: async () => {} },
    });
    const answer = await desk.start({ select: 'a/*', dryRun: false }, new Set(['a/daily']));
    expect(answer).toEqual({ id: 'b1', assets: [{ asset: 'a/daily', partitions: 2 }] });
    expect(started).toEqual(['backfill/b1']);
  });
});
