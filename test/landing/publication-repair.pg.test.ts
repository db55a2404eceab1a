// A publication changed by someone else: the lake says so before it is repaired, and says it once.

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { beginSnapshot } from '../../activities/capture/capture.ts';
import { type LakeStore, ManifestAppender } from '../../activities/landing/manifest-appender.ts';
import { pauseUnpublished, untilLoggedInFull } from '../../activities/landing/publication-repair.ts';
import { matchTables } from '../../activities/wal/postgres/catalog.ts';
import { ensurePublications } from '../../activities/wal/postgres/publication.ts';
import { openSource, type Source } from '../../activities/wal/postgres/source.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { freshDatabase, withClient } from '../support/database.ts';

const database = freshDatabase();
const LAKE: LakeStore = { get: async () => null, exists: async () => false, putIfAbsent: async () => 'stored' };
let source: Source;

const sql = (text: string) => withClient(database.url, (client) => client.query(text));
const catalog = async () => (await matchTables(source.connection, ['public.*'])).tables.map(({ captured }) => captured);

beforeAll(async () => {
  source = await openSource(database.url, 'walflow test');
});

beforeEach(async () => {
  await sql(`drop publication if exists shop, shop_append; drop table if exists orders, users, log;
    create table orders (id int primary key); create table users (id int primary key); create table log (line text)`);
  await ensurePublications(source, 'shop', await catalog());
});

afterAll(() => source.close());

const recorded = async () =>
  (await catalog()).map((table) => beginSnapshot(table, { r0Lsn: '0000000000000010', seq: 1, id: 'a' }));

async function pause(captured: readonly CaptureEntry[]) {
  const epoch = { systemIdentifier: '1', slot: 'walflow_shop', consistentPoint: '0000000000000020' };
  const writer = new ManifestAppender({
    ...{ pipeline: 'shop', lake: LAKE, verifyWrites: false, inlineBytes: 0 },
    position: { head: null, epochNo: 1, epoch, timeline: 1, resumeLsn: 32n, unencoded: false },
    writer: { workflowId: 'ingest/shop', runId: 'r', attempt: 1, nonce: 'abcd1234', version: '0.0.0' },
  });
  const result = await pauseUnpublished(source, writer, { publication: 'shop', captured, catalog: await catalog() });
  return { ...result, manifest: writer.head?.manifest ?? null };
}

test('nothing is recorded while the publications are as they should be', async () => {
  const captured = await recorded();
  expect(await pause(captured)).toEqual({ captured, paused: [], manifest: null });
});

test('a table that was taken out is recorded as paused, the others are not; the second look adds nothing', async () => {
  const captured = await recorded();
  await sql('alter publication shop drop table orders');
  const first = await pause(captured);
  expect(first.paused).toEqual(['public.orders']);
  expect(first.manifest?.capture).toEqual(first.captured);
  expect(first.captured.map(({ table, paused }) => [table, paused?.code, paused?.commitLsn])).toEqual([
    ['public.log', undefined, undefined],
    ['public.orders', 'PUBLICATION_CHANGED', '0000000000000020'],
    ['public.users', undefined, undefined],
  ]);
  expect(await pause(first.captured)).toMatchObject({ paused: [], manifest: null });
});

test('a table that is gone, made again or new itself is none that was taken out', async () => {
  const captured = await recorded();
  await sql(`drop table users; drop table orders; create table orders (id int primary key);
    create table more (id int primary key)`);
  expect(await pause(captured)).toMatchObject({ paused: [], manifest: null });
  await sql('drop table more');
});

test('R0 waits for transactions that ran across the repair', async () => {
  const captured = await recorded();
  await sql('alter publication shop drop table orders');
  const { captured: paused } = await pause(captured);
  const waiting = { onBlocked: () => {}, signal: new AbortController().signal };
  await withClient(database.url, async (client) => {
    await client.query('begin; insert into orders values (1)');
    let waited = false;
    const done = untilLoggedInFull(source, { captured: paused, catalog: [] }, waiting).then(() => {
      waited = true;
    });
    await untilLoggedInFull(source, { captured, catalog: [] }, waiting);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(waited, 'the transaction was not waited for').toBe(false);
    await client.query('commit');
    await done;
  });
});

test('R0 waits for transactions that ran while a label of an enum was renamed', async () => {
  const [entry] = (await recorded()) as [CaptureEntry];
  const layout = (...dependencies: string[]) => ({ columnNumbers: [1], attributes: 'a', storage: 's', dependencies });
  const captured = [{ ...entry, layout: layout('label 1:todo') }];
  const waiting = { onBlocked: () => {}, signal: AbortSignal.timeout(200) };
  await withClient(database.url, async (client) => {
    await client.query('begin; select pg_current_xact_id()');
    const added = [{ ...entry, layout: layout('label 1:todo', 'label 2:done') }];
    await untilLoggedInFull(source, { captured, catalog: added }, waiting);
    const renamed = [{ ...entry, layout: layout('label 1:open') }];
    await expect(untilLoggedInFull(source, { captured, catalog: renamed }, waiting)).rejects.toThrow('timeout');
  });
});
