// What is due of derived assets, as the very merge notes it that changed an input.

import { describe, expect, test } from 'vitest';
import type { AssetDefinition } from '../../../workflows/model/asset/definition.ts';
import { buildAssetGraph } from '../../../workflows/model/asset/graph.ts';
import { lsnToHex } from '../../../workflows/model/lsn.ts';
import { change, INT, type TestChange, TIMESTAMPTZ, testEntry } from '../change-files.ts';
import { NOW, type WarehouseLab } from '../lab.ts';

const pipelines = new Set(['marks']);
const orders = testEntry('marks.orders', { id: INT, placed: TIMESTAMPTZ }, ['id']);

const byDay: AssetDefinition = {
  key: 'counts/by_day',
  deps: [{ key: 'marks/marks.orders', by: 'placed' }],
  partitions: { kind: 'daily', start: '2026-01-01', output: 'day' },
  sql: 'select placed::DATE as day from {marks/marks.orders} where placed >= {start} and placed < {end}',
};
const whole: AssetDefinition = {
  key: 'counts/whole',
  deps: ['marks/marks.orders'],
  sql: 'select count(*) as n from {marks/marks.orders}',
};
const above: AssetDefinition = { key: 'counts/above', deps: ['counts/whole'], sql: 'select n from {counts/whole}' };

const row = (lsn: number, id: number, placed: string | null, op: TestChange['op'] = 'u') =>
  change(op, lsn, id, { id: `${id}`, placed });

/** Each test goes on where the one before has left the warehouse. */
export function assetChanges(lab: WarehouseLab): void {
  const graph = buildAssetGraph([byDay, whole, above], pipelines);
  const readers = graph.readersOfPipeline('marks');
  const declare = (...assets: readonly AssetDefinition[]) =>
    lab.port.declareAssets(buildAssetGraph(assets, pipelines).derived, NOW);
  const due = async () => (await lab.port.dueAssets(graph.derived)).map(({ asset }) => asset);

  async function merge(endLsn: number, list: readonly TestChange[]): Promise<readonly string[]> {
    const outcome = await lab.merge('marks', endLsn, { tables: [await lab.changes(orders, list)], readers });
    return [...outcome.touchedAssets].sort();
  }

  describe('a declared asset', () => {
    test('is not due before its inputs have a table, and is due as a whole then', async () => {
      await declare(byDay, whole, above);
      expect(await due()).toEqual([]);
      await lab.goLive('marks', 100, orders, [{ id: '1', placed: '2026-01-05 10:00:00+00' }]);
      expect(await due()).toEqual(['counts/by_day', 'counts/whole']);
      const { dueSince, ...counts } = (await lab.figuresOf(graph.asset('counts/whole'))) ?? { dueSince: null };
      expect(counts).toEqual({ missing: 1, stale: 0, current: 0, state: 'missing' });
      expect(Date.parse(dueSince ?? '')).toBe(Date.parse(NOW));
    });

    test('is not due again because it is declared once more, and never due once it is gone', async () => {
      await declare(byDay);
      expect(await due()).toEqual(['counts/by_day']);
      await declare(byDay, whole);
      expect(await due()).toEqual(['counts/by_day', 'counts/whole']);
    });

    test('is touched on the days its rows left and came to, from its first day on', async () => {
      expect(
        await merge(110, [row(105, 1, '2026-01-09 01:00:00+00'), row(105, 2, '2026-01-09 23:59:59+00', 'i')]),
      ).toEqual(['counts/by_day', 'counts/whole']);
      expect(await lab.partitionsIn(graph.asset('counts/by_day'), 'missing')).toEqual(['2026-01-05', '2026-01-09']);
      const page = { limit: 1, cursor: '2026-01-05' };
      expect(await lab.port.partitions(graph.asset('counts/by_day'), page)).toMatchObject([
        { partition: '2026-01-09', state: 'missing' },
      ]);
      expect(await lab.partitionsIn(graph.asset('counts/by_day'), 'current')).toEqual([]);
      expect(await lab.figuresOf(graph.asset('counts/by_day'))).toMatchObject({ missing: 2, current: 0 });
      expect((await lab.port.dueAssets(graph.derived)).find(({ asset }) => asset === 'counts/by_day')?.seq).toBe(2);
    });

    test('is not touched by rows that lie on no day of its own', async () => {
      await merge(120, [row(115, 3, null, 'i'), row(115, 4, '2025-12-31 00:00:00+00', 'i')]);
      const list = [row(125, 3, 'infinity'), row(125, 4, '2025-12-30 00:00:00+00')];
      expect(await merge(130, list)).toEqual(['counts/whole']);
    });

    test('is touched as a whole when its input is truncated', async () => {
      const truncates = [{ commitLsn: lsnToHex(135n), ordinal: 0 }];
      const changes = { ...(await lab.changes(orders, [])), truncates };
      const { touchedAssets } = await lab.merge('marks', 140, { tables: [changes], readers });
      expect([...touchedAssets].sort()).toEqual(['counts/by_day', 'counts/whole']);
    });

    test('is touched as a whole when its input is loaded again', async () => {
      const load = await lab.load(orders, [row(1, 1, '2026-01-05 10:00:00+00', 'r')], []);
      const begins = [{ entry: orders, target: load.target }];
      const { touchedAssets } = await lab.merge('marks', 150, { begins, loads: [load], readers });
      expect([...touchedAssets].sort()).toEqual(['counts/by_day', 'counts/whole']);
    });
  });
}
