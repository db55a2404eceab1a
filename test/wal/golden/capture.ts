// Captures what a real PostgreSQL sends for each scenario, with what the decoder makes of it:
//   node test/wal/golden/capture.ts postgres://…   (a superuser on a scratch database with wal_level = logical)
// Read the expectations before committing them (then `npx biome format --write test/wal/golden`): they are what every
// later decoder must still say about these bytes. A pair of files dropped into this folder is a test.

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { PgoutputDecoder } from '../../../activities/wal/pgoutput.ts';
import { waysTo } from '../../../activities/wal/postgres/connection.ts';
import { EventLog } from '../event-log.ts';
import { joinMessages } from './message-file.ts';

interface Scenario {
  readonly name: string;
  readonly tables: string;
  readonly setup: string;
  /** One transaction each. */
  readonly transactions: readonly string[];
}

/** Long enough to be stored out of line, and incompressible. */
const LONG_TEXT = `(select string_agg(md5(i::text), '') from generate_series(1, 300) i)`;

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'insert-update-delete',
    tables: 'g.people',
    setup: 'create table g.people (id bigint primary key, name text, note text)',
    transactions: [
      `insert into g.people values (1, 'Ada', null), (2, '', 'Zürich "quoted", with, commas'), (9007199254740993, 'naïve 😀', E'line\\nbreak')`,
      `update g.people set note = 'seen' where id = 1; delete from g.people where id = 2`,
      'update g.people set id = 3 where id = 1',
    ],
  },
  {
    name: 'identity-full',
    tables: 'g.logs',
    setup: 'create table g.logs (at int, line text); alter table g.logs replica identity full',
    transactions: [
      `insert into g.logs values (1, 'a'), (1, 'a'), (2, null)`,
      `update g.logs set line = 'b' where at = 2; delete from g.logs where ctid = (select min(ctid) from g.logs)`,
    ],
  },
  {
    name: 'identity-index',
    tables: 'g.users',
    setup: `create table g.users (id int primary key, email text not null, name text);
      create unique index users_email on g.users (email); alter table g.users replica identity using index users_email`,
    transactions: [
      `insert into g.users values (1, 'a@b.c', 'A')`,
      `update g.users set email = 'd@e.f'; update g.users set name = 'D'; delete from g.users`,
    ],
  },
  {
    name: 'unchanged-toast',
    tables: 'g.docs, g.docs_full',
    setup: `create table g.docs (id int primary key, body text, rev int); alter table g.docs alter body set storage external;
      create table g.docs_full (like g.docs including all); alter table g.docs_full replica identity full;
      insert into g.docs select 1, ${LONG_TEXT}, 1; insert into g.docs_full table g.docs`,
    transactions: ['update g.docs set rev = 2', 'update g.docs set id = 7', 'update g.docs_full set rev = 2'],
  },
  {
    name: 'truncate',
    tables: 'g.parent, g.child',
    setup: 'create table g.parent (id int primary key); create table g.child (id int primary key references g.parent)',
    transactions: [
      'insert into g.parent values (1); insert into g.child values (1)',
      'truncate g.parent cascade; insert into g.parent values (2)',
      'truncate g.child restart identity',
    ],
  },
  {
    name: 'column-added-and-dropped',
    tables: 'g.shape',
    setup: 'create table g.shape (id int primary key, a text, doubled int generated always as (id * 2) stored)',
    transactions: [
      `insert into g.shape values (1, 'x')`,
      `alter table g.shape add column b numeric(8, 3) default 1.5; insert into g.shape values (2, 'y')`,
      `alter table g.shape drop column a; insert into g.shape (id) values (3)`,
    ],
  },
  {
    name: 'partitions-by-root',
    tables: 'g.events',
    setup: `create table g.events (id int, day date, primary key (day, id)) partition by range (day);
      create table g.events_1 partition of g.events for values from ('2026-01-01') to ('2026-02-01');
      create table g.events_2 (day date not null, id int not null);
      alter table g.events attach partition g.events_2 for values from ('2026-02-01') to ('2026-03-01')`,
    transactions: [
      `insert into g.events values (1, '2026-01-31'), (2, '2026-02-01')`,
      `update g.events set day = '2026-02-02' where id = 1; delete from g.events where id = 2`,
      'truncate g.events',
    ],
  },
  {
    name: 'types',
    tables: 'g.types',
    setup: `create type g.mood as enum ('sad', 'it''s fine'); create domain g.positive as int check (value > 0);
      create type g.pair as (a int, b text);
      create table g.types (id int primary key, flag bool, real8 float8, num numeric, bytes bytea, at timestamptz, span interval,
        list text[], doc jsonb, mood g.mood, pos g.positive, pair g.pair, range int4range, ip inet, bits bit varying)`,
    transactions: [
      `insert into g.types values
        (1, true, 'NaN', 'NaN', '\\xdeadbeef', 'infinity', '-1 years -2 mons +3 days -04:05:06.789', '{"a,b",NULL,"c\\"d"}',
          '{"n": 12345678901234567890, "z": null}', 'it''s fine', 5, '(1,"x y")', '[1,5)', '10.0.0.1/8', '101'),
        (2, false, '-1e-320', '0.000000000000000000000000000000000000000000001', '', '0044-03-15 12:00:00+00 BC', '0', '{}',
          'null', 'sad', null, '(,)', 'empty', '::1', ''),
        (3, null, '1.7976931348623157e308', '-99999999999999999999999999999999999999.5', null, '294276-12-31 23:59:59.999999+00',
          '1 mon', '{{1,2},{3,4}}', null, null, null, null, '(,)', null, null)`,
    ],
  },
  {
    name: 'awkward-names',
    tables: 'g."Bestell.ung ""x"""',
    setup: 'create table g."Bestell.ung ""x""" ("Größe %" int primary key, "select" text)',
    transactions: [`insert into g."Bestell.ung ""x""" values (1, 'y')`],
  },
];

const SLOT = 'walflow_golden';
const url = process.argv[2];
const only = process.argv[3];
if (url === undefined) throw new Error('usage: node test/wal/golden/capture.ts postgres://… [scenario]');
const client = new pg.Client(waysTo(url, 'walflow capture').at(-1)?.config);
await client.connect();
for (const scenario of SCENARIOS.filter(({ name }) => only === undefined || name === only)) await capture(scenario);
await client.end();
console.log(`captured: ${readdirSync(import.meta.dirname).filter((file) => file.endsWith('.bin'))}`);

async function capture({ name, tables, setup, transactions }: Scenario): Promise<void> {
  await client.query('drop schema if exists g cascade; create schema g; drop publication if exists walflow_golden');
  await client.query(setup);
  await client.query(`create publication walflow_golden for table ${tables} with (publish_via_partition_root = true)`);
  await client.query('select pg_create_logical_replication_slot($1, $2)', [SLOT, 'pgoutput']);
  try {
    for (const transaction of transactions) await client.query(`begin; ${transaction}; commit`);
    const { rows } = await client.query<{ data: Buffer }>(
      `select data from pg_logical_slot_peek_binary_changes($1, null, null, 'proto_version', '1', 'publication_names', 'walflow_golden')`,
      [SLOT],
    );
    const messages = rows.map((row) => row.data);
    const log = new EventLog();
    const decoder = new PgoutputDecoder(log);
    for (const message of messages) decoder.decode(message, 0, message.length);
    writeFileSync(join(import.meta.dirname, `${name}.bin`), joinMessages(messages));
    writeFileSync(join(import.meta.dirname, `${name}.json`), `${JSON.stringify(log.events, null, 2)}\n`);
  } finally {
    await client.query('select pg_drop_replication_slot($1)', [SLOT]);
    await client.query('drop publication walflow_golden; drop schema g cascade');
  }
}
