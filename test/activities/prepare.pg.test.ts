// Preparing a source again and again: what is recorded follows the source, and nothing recorded by others gets lost.

import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readCapture, readHead } from '../../activities/capture/log-position.ts';
import { appendManifest, readManifest } from '../../activities/lake/log.ts';
import { manifestKey } from '../../activities/lake/object-key.ts';
import type { S3Lake } from '../../activities/lake/s3/lake.ts';
import { streamApplicationName } from '../../activities/landing/slot-meter.ts';
import { prepareSource } from '../../activities/prepare.ts';
import type { IngestResources, PipelineResources } from '../../activities/resources.ts';
import { takeTurn } from '../../activities/wal/postgres/owner.ts';
import { dropPublications } from '../../activities/wal/postgres/publication.ts';
import { dropSlot } from '../../activities/wal/postgres/slot.ts';
import { openSource, type Source } from '../../activities/wal/postgres/source.ts';
import type { CaptureEntry } from '../../workflows/model/manifest.ts';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshPipelineName } from '../support/unique.ts';

const database = freshDatabase();
const name = freshPipelineName();
let source: Source;
let lake: MemoryLake;

const sql = (text: string) => withClient(database.url, (client) => client.query(text));

class MemoryLake {
  readonly objects = new Map<string, Uint8Array>();
  /** Called once, behind the next look for the manifest that would be the log's next. */
  atLogEnd: (() => Promise<void>) | null = null;

  async get(key: string): Promise<Buffer | null> {
    const body = this.objects.get(key);
    return body === undefined ? null : Buffer.from(body);
  }

  async exists(key: string): Promise<boolean> {
    const found = this.objects.has(key);
    const act = this.atLogEnd;
    if (act === null || key !== manifestKey(manifests() + 1)) return found;
    this.atLogEnd = null;
    await act();
    return found;
  }

  async putIfAbsent(key: string, body: Uint8Array): Promise<'stored' | 'exists'> {
    if (this.objects.has(key)) return 'exists';
    this.objects.set(key, body);
    return 'stored';
  }

  async putText(key: string, text: string): Promise<void> {
    this.objects.set(key, Buffer.from(text));
  }

  async provesConditionalWrites(): Promise<void> {}
}

beforeAll(async () => {
  source = await openSource(database.url, 'walflow test');
});

beforeEach(async () => {
  await dropPublications(source, name);
  await dropSlot(source, name, streamApplicationName(name));
  await sql(`drop table if exists orders, users;
    create table orders (id int primary key); create table users (id int primary key)`);
  lake = new MemoryLake();
  await prepare();
});

afterAll(async () => {
  await dropSlot(source, name, streamApplicationName(name));
  await source.close();
});

const TABLES = ['public.orders', 'public.users'];

async function prepare(resync: readonly string[] = [], tables: readonly string[] = TABLES) {
  const warnings: string[] = [];
  const settings = { url: database.url, tables, newTables: 'add', slot: name };
  const pipeline = { name, source: { ...settings, publication: name }, verifyWrites: false, inlineBytes: 0, lake };
  const resources = {
    version: '0.0.0',
    pipelines: new Map([[name, pipeline as unknown as PipelineResources]]),
    log: { info: () => {}, warn: (_: unknown, message: string) => void warnings.push(message) },
  };
  const context = {
    info: { attempt: 1, workflowExecution: { workflowId: 'ingest/shop', runId: 'r' } },
    heartbeat: () => {},
    cancellationSignal: new AbortController().signal,
  };
  const input = { pipeline: name, resync, newEpoch: false };
  const result = await asyncLocalStorage.run(context as unknown as Context, () =>
    prepareSource(resources as unknown as IngestResources, input),
  );
  return { ...result, warnings };
}

const captured = async () => {
  const store = lake as unknown as S3Lake;
  const entries = await readCapture(store, await readHead(store));
  return new Map(entries.map((entry) => [entry.table, entry]));
};
const entryOf = async (table: string) => (await captured()).get(table) as CaptureEntry;
const manifests = () => [...lake.objects.keys()].filter((key) => key.startsWith('log/')).length;

test('nothing new is nothing recorded', async () => {
  const before = manifests();
  expect(await prepare()).toMatchObject({ tables: 2, warnings: [] });
  expect(manifests()).toBe(before);
});

test('what a writer thought dead lands between two looks at the log is kept', async () => {
  const users = await entryOf('public.users');
  lake.atLogEnd = async () => {
    const head = await readManifest(lake, manifests());
    if (head === null) throw new Error('the log is empty');
    const paused = { code: 'VALUE_NOT_EXACT', reason: 'x', commitLsn: head.manifest.endLsn };
    const capture = (head.manifest.capture ?? []).map((entry) =>
      entry.table === 'public.orders' ? { ...entry, paused } : entry,
    );
    const seq = head.manifest.seq + 1;
    await appendManifest(lake, { ...head.manifest, seq, previousHash: head.hash, capture, captureSeq: seq });
  };
  await prepare(['public.users']);
  expect((await entryOf('public.users')).snapshot.id).not.toBe(users.snapshot.id);
  expect((await entryOf('public.orders')).paused?.code).toBe('VALUE_NOT_EXACT');
});

test('a table taken out of the publication is copied again, also by the next attempt when this one dies', async () => {
  const before = await captured();
  await sql(`alter publication ${name} drop table orders`);
  const { putIfAbsent } = lake;
  let stored = 0;
  lake.putIfAbsent = async (key, body) => {
    if (++stored > 1) throw new Error('the worker dies');
    return await putIfAbsent.call(lake, key, body);
  };
  await expect(prepare()).rejects.toThrow('the worker dies');
  lake.putIfAbsent = putIfAbsent;
  const { rowCount } = await sql(`select from pg_publication_tables where pubname = '${name}'`);
  expect(rowCount, 'tables published by the attempt that died').toBe(2);
  expect((await entryOf('public.orders')).paused?.code).toBe('PUBLICATION_CHANGED');
  await prepare();
  const { snapshot, paused } = await entryOf('public.orders');
  expect(paused).toBeUndefined();
  expect(snapshot.id).not.toBe(before.get('public.orders')?.snapshot.id);
  expect(await entryOf('public.users')).toEqual(before.get('public.users'));
});

test('a table asked for by name that is gone leaves the list, with a warning; the others stay', async () => {
  const users = await entryOf('public.users');
  await sql('drop table orders');
  const { tables, notices, warnings } = await prepare();
  expect(tables).toBe(1);
  expect(notices).toContain('public.orders is no longer captured: the source no longer has this table');
  expect(warnings).toEqual(notices);
  expect([...(await captured())]).toEqual([['public.users', users]]);
});

test('a second pipeline of the same name, with a lake of its own, changes nothing on the source', async () => {
  const published = () => sql(`select tablename from pg_publication_tables where pubname = '${name}' order by 1`);
  const before = (await published()).rows;
  lake = new MemoryLake();
  await expect(prepare([], ['public.orders'])).rejects.toMatchObject({ code: 'SLOT_FOREIGN' });
  expect((await published()).rows).toEqual(before);
  expect(await source.slotRow(name)).not.toBeNull();
  expect(manifests()).toBe(0);
});

test('a slot without a name on its publication is ours when the lake knows it; from then on it has a name', async () => {
  await sql(`comment on publication ${name} is null`);
  lake.objects.delete('identity.json');
  await prepare();
  const { rows } = await sql(
    `select obj_description(oid, 'pg_publication') as comment from pg_publication where pubname = '${name}'`,
  );
  expect(rows[0].comment).toMatch(/^walflow: fed into lake [0-9a-f-]{36} by slot /);
  expect(lake.objects.has('identity.json')).toBe(true);
});

test('what another pipeline left without a slot is taken over', async () => {
  await dropSlot(source, name, streamApplicationName(name));
  lake = new MemoryLake();
  expect(await prepare()).toMatchObject({ tables: 2 });
  expect(await prepare()).toMatchObject({ tables: 2 });
});

test('while another walflow prepares the slot, nothing is read or changed', async () => {
  const other = await openSource(database.url, 'walflow test');
  try {
    await takeTurn(other, name);
    await expect(prepare()).rejects.toMatchObject({ code: 'SLOT_BUSY' });
  } finally {
    await other.close();
  }
});
