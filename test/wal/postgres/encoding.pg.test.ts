import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { matchTables } from '../../../activities/wal/postgres/catalog.ts';
import { preflight } from '../../../activities/wal/postgres/preflight.ts';
import { createSlot, dropSlot } from '../../../activities/wal/postgres/slot.ts';
import { readChunk } from '../../../activities/wal/postgres/snapshot-reader.ts';
import { openSource, type Source } from '../../../activities/wal/postgres/source.ts';
import { withClient } from '../../support/database.ts';
import { freshPipelineName } from '../../support/unique.ts';
import { record } from '../replication-recorder.ts';
import { atMost } from './snapshot-rows.ts';

/** A database of an encoding of its own, with a table and a slot. */
function freshDatabase(encoding: string) {
  const name = freshPipelineName();
  const server = inject('servers').postgresUrl;
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  const opened: { source?: Source } = {};
  const sql = (text: string) => withClient(url, (client) => client.query(text));
  beforeAll(async () => {
    const options = `encoding '${encoding}' template template0 lc_collate 'C' lc_ctype 'C'`;
    await withClient(server, (client) => client.query(`create database ${name} ${options}`));
    await sql('create table texts (id int primary key, body text); create publication texts for table texts');
    await createSlot(url, name, { onWaiting: () => {} });
    opened.source = await openSource(url, 'walflow test');
  });
  afterAll(async () => {
    const { source } = opened;
    if (source !== undefined) await dropSlot(source, name, `walflow ${name} stream`);
    await source?.close();
    await withClient(server, (client) => client.query(`drop database ${name} with (force)`));
  });
  return { url, slot: name, sql, source: () => opened.source as Source };
}

async function tableOf(source: Source) {
  const [table] = (await matchTables(source.connection, ['public.texts'])).tables;
  if (table === undefined) throw new Error('no table');
  return table.captured;
}

/** The bytes of column `body`, as a first copy reads them and as the stream does. */
async function bodies({ url, slot, source }: ReturnType<typeof freshDatabase>, rows: number) {
  const copied: Buffer[] = [];
  await readChunk(source(), await tableOf(source()), null, atMost(10), ({ buffer, starts, lengths }) => {
    const [, start = 0] = starts;
    copied.push(Buffer.from(buffer.subarray(start, start + (lengths[1] ?? 0))));
  });
  const recorder = await record({ url, slot, publications: ['texts'] });
  await recorder.untilInserted(rows);
  await recorder.stream.stop();
  return { copied, streamed: recorder.rows().map(([, body]) => body) };
}

describe('a database without an encoding', () => {
  const database = freshDatabase('SQL_ASCII');

  it('is announced, and sends the bytes it has instead of ending copy and stream', async () => {
    const { url, slot, sql, source } = database;
    await sql(String.raw`insert into texts values (1, 'plain'), (2, E'caf\xc3\xa9'), (3, E'caf\xe9')`);
    const settings = { url, slot, tables: ['public.texts'], publication: 'texts', applicationName: 'walflow x stream' };
    const { notices } = await preflight(source(), settings);
    expect(notices).toEqual([expect.stringContaining('SQL_ASCII')]);
    const { copied, streamed } = await bodies(database, 3);
    expect(copied).toEqual([Buffer.from('plain'), Buffer.from('café'), Buffer.from('caf\xe9', 'latin1')]);
    // The recorder reads UTF-8.
    expect(streamed).toEqual(['plain', 'café', 'caf\ufffd']);
  });

  it('keeps a table out whose name is not UTF-8', async () => {
    const { sql, source } = database;
    await sql(
      `set client_encoding = 'SQL_ASCII'; do $$ begin execute format('create table %I (id int)', E'caf\\xe9'); end $$`,
    );
    const { tables, notices } = await matchTables(source().connection, ['public.*']);
    expect(tables.map(({ captured }) => captured.name)).toEqual(['texts']);
    expect(notices).toEqual([expect.stringContaining('not UTF-8')]);
  });
});

describe('a database in another encoding', () => {
  const database = freshDatabase('LATIN1');

  it('prints UTF-8, in copy and stream', async () => {
    await database.sql(`insert into texts values (1, 'café')`);
    const { copied, streamed } = await bodies(database, 1);
    expect([copied, streamed]).toEqual([[Buffer.from('café')], ['café']]);
  });
});
