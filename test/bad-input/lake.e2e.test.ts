// A lake that is not as it was left, or not to be trusted: what stops, what goes on, and that it is equal once repaired. The
// objects are changed in the store itself while real workers run on it.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { createRig, type Rig, type WorkerProcess } from '../support/rig.ts';
import { LakeObjects } from './lake-object.ts';
import {
  change,
  expectGoesOn,
  expectTablesEqual,
  prepareTables,
  reasonWith,
  seen,
  TABLES,
  tableIn,
} from './stand-still.ts';

const PATIENCE = { timeout: 60_000, interval: 250 };

describe('a lake that was changed', { timeout: 300_000 }, () => {
  const { url } = freshDatabase();
  const folder = freshFolder();
  let rig: Rig;
  let lake: LakeObjects;
  let ingest: WorkerProcess;
  let warehouse: WorkerProcess;

  /** Changes both tables and waits until the lake has them; answers the key of the manifest that is the last one then. */
  const land = async (note: string): Promise<string> => {
    const before = (await lake.list('log/')).length;
    await change(url, note);
    return await vi.waitFor(async () => {
      const keys = await lake.list('log/');
      expect(keys.length).toBeGreaterThan(before);
      return keys.at(-1) ?? '';
    }, PATIENCE);
  };

  beforeAll(async () => {
    await prepareTables(url);
    rig = await createRig({ url, folder, tables: TABLES, lake: 'inlineBytes: 0' });
    lake = new LakeObjects(rig);
    // A store that takes the header and does not mind it.
    rig.s3.after = ({ method, status }) => (method === 'PUT' && status === 412 ? 'accept' : undefined);
    ingest = rig.start('ingest');
    warehouse = rig.start('warehouse');
  }, 120_000);
  afterAll(async () => {
    await rig?.close();
  });

  test('a store that ignores If-None-Match is refused before anything is written that depends on it', async () => {
    expect(await reasonWith(rig, 'LAKE_NO_CONDITIONAL_WRITES')).toContain('16 writers');
    expect(await lake.list('log/')).toEqual([]);
    rig.s3.after = () => undefined;
    await expectGoesOn(rig);
  });

  test('an unreadable manifest stops the merge right before it; ingest goes on, and so does the merge once repaired', async () => {
    await warehouse.stop();
    await land('before the poison');
    const poisoned = await land('the poison');
    const whole = await lake.read(poisoned);
    await lake.truncate(poisoned);
    warehouse = rig.start('warehouse');
    expect(await reasonWith(rig, 'MANIFEST_UNREADABLE')).toContain(poisoned);
    await lake.write(poisoned, whole.toString().replace('"formatVersion": 1', '"formatVersion": 99'));
    expect(await reasonWith(rig, 'MANIFEST_NEWER')).toContain(poisoned);
    await land('behind the poison');
    const { seq, state } = await seen(rig);
    expect({ seq, state }).toEqual({ seq: Number(/(\d+)\.json$/.exec(poisoned)?.[1]) - 1, state: 'streaming' });
    await lake.write(poisoned, whole);
    await expectGoesOn(rig);
  });

  test('a damaged change file pauses its table alone, until it is copied again', async () => {
    await warehouse.stop();
    const manifest = JSON.parse((await lake.read(await land('damaged'))).toString());
    const damaged = manifest.tables.find((one: { table: string }) => one.table === 'public.items').files[0].key;
    await lake.truncate(damaged);
    warehouse = rig.start('warehouse');
    expect(await tableIn(rig, 'public.items', 'paused')).toMatch(/bytes, its manifest says .*\(DATA_FILE_DAMAGED\)/);
    await land('the others go on');
    await vi.waitFor(() => expectTablesEqual(rig, ['public.others']), PATIENCE);
    expect(await rig.run('resync', rig.pipeline, 'public.items')).toMatchObject({ code: 0 });
    await expectGoesOn(rig);
  });

  test('a damaged copy pauses its table alone', async () => {
    await warehouse.stop();
    const before = await lake.list('snapshot/public/items/');
    await rig.signal('resyncTable', 'public.items');
    const chunk = await vi.waitFor(async () => {
      const files = (await lake.list('snapshot/public/items/')).filter((key) => !before.includes(key));
      expect(files.some((key) => key.endsWith('complete.json'))).toBe(true);
      return files.find((key) => key.endsWith('.parquet')) ?? '';
    }, PATIENCE);
    await lake.write(chunk, 'PAR1, or so it says');
    warehouse = rig.start('warehouse');
    expect(await tableIn(rig, 'public.items', 'paused')).toContain('(DATA_FILE_DAMAGED)');
    await land('the others go on again');
    await vi.waitFor(() => expectTablesEqual(rig, ['public.others']), PATIENCE);
    expect(await rig.run('resync', rig.pipeline, 'public.items')).toMatchObject({ code: 0 });
    await expectGoesOn(rig);
  });

  test('a value that cannot be kept exactly pauses its table, in the log and in a snapshot, until it is changed', async () => {
    const set = (price: string) =>
      withClient(url, (client) => client.query(`update items set price = ${price} where id = 20`));
    await set(`'NaN'`);
    expect(await tableIn(rig, 'public.items', 'paused')).toContain('(VALUE_NOT_EXACT)');
    await land('the others do not mind');
    await vi.waitFor(() => expectTablesEqual(rig, ['public.others']), PATIENCE);
    expect(await rig.run('resync', rig.pipeline, 'public.items')).toMatchObject({ code: 0 });
    await vi.waitFor(async () => {
      expect(await tableIn(rig, 'public.items', 'paused')).toMatch(/in row \d+ of its snapshot \(VALUE_NOT_EXACT\)/);
    }, PATIENCE);
    await set('20');
    expect(await rig.run('resync', rig.pipeline, 'public.items')).toMatchObject({ code: 0 });
    await expectGoesOn(rig);
  });

  test('a log that lost its end stops ingest and merge alike; they go on once it is restored', async () => {
    await land('to be lost');
    await rig.caughtUp();
    await Promise.all([ingest.stop(), warehouse.stop()]);
    const lost = new Map<string, Buffer>();
    for (const key of (await lake.list('log/')).slice(-2)) lost.set(key, await lake.read(key));
    for (const key of lost.keys()) await lake.remove(key);
    ingest = rig.start('ingest');
    warehouse = rig.start('warehouse');
    await reasonWith(rig, 'WATERMARK_AHEAD');
    await reasonWith(rig, 'SLOT_GAP');
    for (const [key, body] of lost) await lake.write(key, body);
    await expectGoesOn(rig);
  });
});
