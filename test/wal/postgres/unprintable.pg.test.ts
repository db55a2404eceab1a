// Values that fit into a row but not into a message: a bit string has eight times its size as text, a bytea twice. One bit
// string of 135 MB stands for both.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { PgoutputDecoder } from '../../../activities/wal/pgoutput.ts';
import { matchTables } from '../../../activities/wal/postgres/catalog.ts';
import { createSlot, dropSlot } from '../../../activities/wal/postgres/slot.ts';
import { openSource, type Source } from '../../../activities/wal/postgres/source.ts';
import { openReplicationStream } from '../../../activities/wal/postgres/stream.ts';
import { type ChangeSink, TransactionReader } from '../../../activities/wal/transaction.ts';
import type { CapturedTable } from '../../../workflows/model/relation.ts';
import { freshDatabase, withClient } from '../../support/database.ts';
import { freshPipelineName } from '../../support/unique.ts';
import { atMost, chunkOf } from './snapshot-rows.ts';

const MIB = 1024 * 1024;
const INSERT_LARGE = `
  insert into large with recursive bits(b, n) as (
    select repeat('0', 67200000)::varbit, 0 union all select b || b, n + 1 from bits where n < 4)
  select 1, b from bits where n = 4`;

const database = freshDatabase();
const slot = freshPipelineName();
let source: Source;
let tables: readonly CapturedTable[];

beforeAll(async () => {
  source = await openSource(database.url, 'walflow test');
  await withClient(database.url, async (client) => {
    await client.query(`create table large (id int primary key, b varbit); create table small (id int primary key);
      create publication p for table large, small`);
    await createSlot(database.url, slot, { onWaiting: () => {} });
    await client.query(`set synchronous_commit = on; begin; insert into small values (1); ${INSERT_LARGE};
      insert into small values (2); commit`);
  });
  const found = await matchTables(source.connection, ['public.large', 'public.small']);
  tables = found.tables.map(({ captured }) => captured);
}, 240_000);
afterAll(async () => {
  await dropSlot(source, slot, 'walflow test stream');
  await source.close();
});

test('a snapshot blames the row, so that only its table pauses', { timeout: 60_000 }, async () => {
  const large = tables.find(({ name }) => name === 'large') as CapturedTable;
  await expect(chunkOf(source, large, null, atMost(10))).rejects.toMatchObject({
    code: 'VALUE_TOO_LARGE',
    message: expect.stringMatching(/cannot print a row, which has more than 1 GiB as text/),
  });
});

test('a stream says so, and knows whose change it is', { timeout: 60_000 }, async () => {
  const sink = { begin: () => {}, change: () => {}, commit: () => {} } as unknown as ChangeSink;
  const reader = new TransactionReader(({ name }) => tables.find((table) => table.name === name) ?? null, sink);
  const decoder = new PgoutputDecoder(reader);
  const stream = await openReplicationStream({
    ...{ url: database.url, applicationName: 'walflow test stream', slot, publications: ['p'], startLsn: 0n },
    decode: (buffer, start, end) => decoder.decode(buffer, start, end),
    ...{ maxRowBytes: MIB, onLargeChange: () => {}, onKeepalive: () => {}, settledLsn: () => 0n, coalesceMs: 0 },
  });
  await expect(stream.closed).rejects.toMatchObject({
    code: 'CHANGE_UNPRINTABLE',
    hint: expect.stringMatching(/walflow slot recreate/),
  });
  expect(reader.suspects).toEqual(['public.large']);
  await stream.stop();
});
