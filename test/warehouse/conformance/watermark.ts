// A window is merged once, whoever tries how often, and only onto what it was planned for.

import { describe, expect, test } from 'vitest';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import type { CaptureEntry } from '../../../workflows/model/manifest.ts';
import { NOTHING_MERGED } from '../../../workflows/model/watermark.ts';
import { change, INT, testEntry } from '../change-files.ts';
import type { WarehouseLab } from '../lab.ts';

const itemsOf = (pipeline: string) => testEntry(`${pipeline}.items`, { id: INT }, ['id']);

export function watermark(lab: WarehouseLab): void {
  async function liveItems(pipeline: string): Promise<CaptureEntry> {
    const entry = itemsOf(pipeline);
    await lab.goLive(pipeline, 100, entry, [{ id: '1' }, { id: '2' }]);
    return entry;
  }

  /** A plan that deletes item 1. */
  async function deletion(pipeline: string, entry: CaptureEntry) {
    return await lab.plan(pipeline, 120, { tables: [await lab.changes(entry, [change('d', 110, 0, { id: '1' })])] });
  }

  describe('the watermark', () => {
    test('is before the first manifest of a pipeline that was never merged', async () => {
      expect(await lab.port.watermark('never')).toEqual(NOTHING_MERGED);
    });

    test('lets one of two merges of the same window through, and the other sees it was merged', async () => {
      const entry = await liveItems('race');
      const plan = await deletion('race', entry);
      const outcomes = await Promise.all([lab.mergePlan(plan), lab.mergePlan(plan)]);
      expect(outcomes.map((outcome) => outcome.tag).sort()).toEqual(['already-merged', 'merged']);
      expect(outcomes.find(({ tag }) => tag === 'already-merged')).toMatchObject({ watermark: plan.next });
      expect(await lab.port.watermark('race')).toEqual(plan.next);
      expect(await lab.contents(entry)).toEqual([{ id: '2' }]);
      expect((await lab.port.ledger('race', 10)).map(({ seqTo }) => seqTo)).toEqual([2, 1]);
    });

    test('makes a window that was merged long ago a no-op', async () => {
      const entry = await liveItems('late');
      const plan = await deletion('late', entry);
      await lab.mergePlan(plan);
      await lab.merge('late', 130, { tables: [await lab.changes(entry, [change('i', 125, 0, { id: '1' })])] });
      expect(await lab.mergePlan(plan)).toMatchObject({ tag: 'already-merged', watermark: { seq: 3 } });
      expect(await lab.contents(entry)).toHaveLength(2);
    });

    test('wakes who awaits the next merge once it can be read, and no earlier', async () => {
      const entry = await liveItems('awaited');
      const plan = await deletion('awaited', entry);
      const seen = lab.port.nextMerge.then(() => lab.port.watermark('awaited'));
      await lab.mergePlan(plan);
      expect(await seen).toEqual(plan.next);
      const next = lab.port.nextMerge.then(() => 'merged');
      expect(await Promise.race([next, 'nothing yet'])).toBe('nothing yet');
    });

    test('refuses a merge that read another manifest there, and nothing of it is merged', async () => {
      const entry = await liveItems('other');
      const plan = await deletion('other', entry);
      const foreign = { ...plan, expected: { ...plan.expected, manifestHash: 'another log' } };
      await expect(lab.mergePlan(foreign)).rejects.toMatchObject({ code: 'WATERMARK_MOVED' });
      expect(await lab.port.watermark('other')).toEqual(plan.expected);
      expect(await lab.contents(entry)).toHaveLength(2);
    });

    test('refuses a merge that does not know of a table that went live meanwhile', async () => {
      const entry = itemsOf('stale');
      await lab.merge('stale', 100, { begins: [placed(entry)] });
      const stale = await lab.plan('stale', 120, {});
      const loadOnly = await lab.plan('stale', 100, { loads: [await lab.load(entry, [], [])] });
      await lab.mergePlan({ ...loadOnly, next: loadOnly.expected });
      await expect(lab.mergePlan(stale)).rejects.toMatchObject({ code: 'WATERMARK_MOVED' });
      expect(await lab.port.watermark('stale')).toEqual(stale.expected);
    });
  });
}
