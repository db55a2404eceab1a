import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { matchTables } from '../../../activities/wal/postgres/catalog.ts';
import { connect } from '../../../activities/wal/postgres/connection.ts';
import { dropPublications, ensurePublications } from '../../../activities/wal/postgres/publication.ts';
import { printRows } from '../../../activities/wal/postgres/rows.ts';
import { createSlot, dropSlot } from '../../../activities/wal/postgres/slot.ts';
import { waitForTransactions } from '../../../activities/wal/postgres/snapshot-reader.ts';
import { openSource, type Source } from '../../../activities/wal/postgres/source.ts';
import type { CapturedTable } from '../../../workflows/model/relation.ts';
import { freshDatabase, withClient } from '../../support/database.ts';
import { freshPipelineName } from '../../support/unique.ts';
import { record } from '../replication-recorder.ts';
import { atMost, chunkOf, snapshotOf } from './snapshot-rows.ts';

const database = freshDatabase();
const role = freshPipelineName();

/** What someone may set for a role or a database; each would end, stop or falsify one of our sessions. */
const HOSTILE: Readonly<Record<string, string>> = {
  transaction_timeout: '700ms',
  statement_timeout: '1ms',
  lock_timeout: '1ms',
  idle_in_transaction_session_timeout: '300ms',
  idle_session_timeout: '300ms',
  wal_sender_timeout: '40ms',
  search_path: 'hostile, public, pg_catalog',
  DateStyle: 'SQL, DMY',
  IntervalStyle: 'iso_8601',
  TimeZone: 'Asia/Kathmandu',
  bytea_output: 'escape',
  extra_float_digits: '-3',
  client_encoding: 'latin1',
  lc_monetary: 'POSIX',
  row_security: 'on',
  quote_all_identifiers: 'on',
  standard_conforming_strings: 'off',
  array_nulls: 'off',
  default_transaction_read_only: 'on',
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  session_replication_role: 'replica',
};

const sql = (text: string) => withClient(database.url, (client) => client.query(text));
const url = () => Object.assign(new URL(database.url), { username: role, password: 'pw' }).href;

beforeAll(async () => {
  // Without a superuser's rights: what only one may set has to do without.
  await sql(`create role ${role} login replication password 'pw'; grant create on database ${database.name} to ${role};
    create schema hostile; grant usage, create on schema hostile, public to ${role};
    create function hostile.current_setting(text) returns text language sql as $$ select 'hostile' $$;
    create function hostile.pg_current_wal_insert_lsn() returns pg_lsn language sql as $$ select '0/1'::pg_lsn $$;
    create view hostile.pg_class as select * from pg_catalog.pg_class where false`);
  for (const [name, value] of Object.entries(HOSTILE)) {
    await sql(`alter role ${role} in database ${database.name} set ${name} = ${sqlValue(name, value)};
      alter role ${role} set ${name} = ${sqlValue(name, value)}`);
  }
});

afterAll(() => sql(`drop owned by ${role} cascade; drop role ${role}`));

/** A list is one value of search_path, not a text. */
const sqlValue = (name: string, value: string) => (name === 'search_path' ? value : `'${value}'`);

describe('the settings of a session', () => {
  it.each([false, true])('are ours, whatever role and database say (walsender: %s)', async (replication) => {
    const connection = await connect(url(), 'walflow test', replication);
    try {
      const names = Object.keys(HOSTILE).map((name) => `'${name}'`);
      const rows = await connection.textRows(
        `select name, current_setting(name) from pg_settings where name in (${names.join(', ')})`,
      );
      const settings = Object.fromEntries(rows);
      // Triggers are a matter of those who write.
      expect(settings['session_replication_role']).toBe('replica');
      // As the server has it, within reason.
      expect(settings['wal_sender_timeout']).toBe('2s');
      for (const [name, value] of Object.entries(HOSTILE)) {
        if (name !== 'session_replication_role') expect(settings[name], name).not.toBe(value);
      }
      expect(settings).toMatchObject({
        ...{ transaction_timeout: '0', statement_timeout: '0', lock_timeout: '0' },
        ...{ idle_in_transaction_session_timeout: '0', idle_session_timeout: '0' },
        ...{ search_path: 'pg_catalog', client_encoding: 'UTF8', default_transaction_read_only: 'off' },
      });
    } finally {
      await connection.close();
    }
  });

  it('are ours, whatever the source URL says', async () => {
    const own = new URL(url());
    own.searchParams.set('options', '-c statement_timeout=50 -c work_mem=5MB');
    for (const name of ['statement_timeout', 'application_name', 'client_encoding']) own.searchParams.set(name, '60');
    const connection = await connect(own.href, 'walflow test');
    try {
      const [row] = await connection.textRows(
        `select current_setting('statement_timeout'), current_setting('work_mem'), current_setting('application_name'),
           current_setting('client_encoding')`,
      );
      expect(row).toEqual(['0', '5MB', 'walflow test', 'UTF8']);
    } finally {
      await connection.close();
    }
  });

  it('outlive every time limit of the role: idle, in a statement, in a transaction', async () => {
    const connection = await connect(url(), 'walflow test');
    try {
      const idle = () => new Promise((resolve) => setTimeout(resolve, 1_000));
      await idle();
      await connection.transaction('begin', async (statements) => {
        await statements.rows('select pg_sleep(0.1)');
        await idle();
        await statements.rows('select 1');
      });
    } finally {
      await connection.close();
    }
  });
});

describe('under hostile settings', () => {
  let source: Source;
  let slot: string;

  beforeEach(async () => {
    slot = freshPipelineName();
    await sql(`drop schema if exists k cascade; create schema k authorization ${role};
      create table k.keyed (id int primary key, at timestamptz, raw bytea, ratio float8, span interval, kind regclass);
      create table k.keyless (line text); alter table k.keyed owner to ${role}; alter table k.keyless owner to ${role}`);
    source = await openSource(url(), 'walflow test');
    return async () => {
      await dropSlot(source, slot, `walflow ${slot} stream`);
      await dropPublications(source, slot);
      await source.close();
    };
  });

  const tables = async (): Promise<readonly CapturedTable[]> =>
    (await matchTables(source.connection, ['k.*'])).tables.map(({ captured }) => captured);

  const row = (id: number) =>
    `(${id}, '2026-02-03 04:05:06.789+00', '\\x00ff', 0.1::float8 + 0.2::float8, '1 day 2 hours', 'k.keyed')`;
  const printed = (id: number) => [
    ...[String(id), '2026-02-03 04:05:06.789+00', '\\x00ff', '0.30000000000000004', '1 day 02:00:00', 'k.keyed'],
  ];

  it('publications and slot are made, copies and comparison print what the stream prints', async () => {
    const found = await tables();
    await ensurePublications(source, slot, found);
    await createSlot(url(), slot, { onWaiting: () => {} });
    await sql(`insert into k.keyed values ${row(1)}; insert into k.keyless values ('ä€')`);
    await waitForTransactions(source, { onBlocked: () => {}, signal: new AbortController().signal });
    const [keyed, keyless] = found as [CapturedTable, CapturedTable];
    const chunk = await chunkOf(source, keyed, null, atMost(10));
    const compared: string[] = [];
    const lines = async (bytes: Buffer) => void compared.push(bytes.toString());
    await printRows(source, keyed, 1_000_000, { lines, longRow: async () => {} });
    const { rows: copied } = await snapshotOf(url(), keyless, atMost(10));
    const stream = await record({ url: url(), slot, publications: [slot] });
    await stream.untilInserted(1);
    await stream.stream.stop();
    expect([chunk.rows, stream.rows(), copied]).toEqual([[printed(1)], [printed(1)], [['ä€']]]);
    expect(compared).toEqual([`${printed(1).map((value) => `"${value}"`)}\n`]);
  });

  it('a transaction that takes longer to send than transaction_timeout and wal_sender_timeout arrives whole', async () => {
    await ensurePublications(source, slot, await tables());
    await createSlot(url(), slot, { onWaiting: () => {} });
    const recorder = await record({ url: url(), slot, publications: [slot] });
    recorder.stream.pause();
    await sql(`insert into k.keyed select i, now(), decode(repeat('ff', 250), 'hex') from generate_series(1, 20000) i`);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    recorder.stream.resume();
    await recorder.untilInserted(20_000);
    await recorder.stream.stop();
  });
});
