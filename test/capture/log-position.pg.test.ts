import { afterAll, beforeAll, expect, test } from 'vitest';
import { matchTables } from '../../activities/wal/postgres/catalog.ts';
import { ensurePublications } from '../../activities/wal/postgres/publication.ts';
import { createSlot, dropSlot } from '../../activities/wal/postgres/slot.ts';
import { openSource, type Source } from '../../activities/wal/postgres/source.ts';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshPipelineName } from '../support/unique.ts';

const database = freshDatabase();
const slot = freshPipelineName();
let source: Source;

const sql = (text: string) => withClient(database.url, (client) => client.query(text));

beforeAll(async () => {
  source = await openSource(database.url, 'walflow test');
});

afterAll(async () => {
  await dropSlot(source, slot, 'nobody');
  await source.close();
});

async function publish(): Promise<void> {
  const { tables } = await matchTables(source.connection, ['public.lines']);
  await ensurePublications(
    source,
    'shop',
    tables.map(({ captured }) => captured),
  );
}

/** Inserts that the server would send from the beginning of the slot. */
async function insertsSent(publications: string): Promise<number> {
  const rows = await source.connection.rows(
    `select from pg_logical_slot_peek_binary_changes($1, null, null, 'proto_version', '1', 'publication_names', $2)
     where get_byte(data, 0) = ascii('I')`,
    [slot, publications],
  );
  return rows.length;
}

test('the server sends a row from the publication that the table was in when it was written, never from a later one', async () => {
  await sql('create table lines (id int)');
  await publish();
  await createSlot(database.url, slot, { onWaiting: () => {} });
  await sql('set synchronous_commit = on; insert into lines values (1)');
  await sql('alter table lines add primary key (id)');
  await publish();
  await sql('set synchronous_commit = on; insert into lines values (2)');
  expect(await insertsSent('shop')).toBe(1);
  expect(await insertsSent('shop,shop_append')).toBe(2);
});
