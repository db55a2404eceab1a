// Columns are added, renamed, rewritten and dropped under load: the table is copied again and equal afterwards, its log has
// no gap, and the other tables never stop.

import { expect, test, vi } from 'vitest';
import { withClient } from '../support/database.ts';
import { readLog } from '../support/lake-audit.ts';
import { livePipeline } from '../support/live-pipeline.ts';

const LIMIT_MS = 300_000;
const TABLE = 'public.postings';
const SHAPE = ['account_id', 'line_no', 'amount', 'version'];

/** Sent as one query, so it is one transaction: three shapes of the table, changes in each of them. */
const IN_ONE_TRANSACTION = `
  insert into postings values (1, 2000000, 1, nextval('versions')), (2, 2000000, 1, nextval('versions'));
  alter table postings add column passing text default 'by';
  insert into postings values (3, 2000000, 1, nextval('versions'), 'x');
  update postings set amount = 2, version = nextval('versions') where account_id = 1 and line_no = 2000000;
  alter table postings drop column passing;
  insert into postings values (4, 2000000, 1, nextval('versions'));
  delete from postings where account_id = 2 and line_no = 2000000`;

const pipeline = livePipeline();
const log = () => readLog(pipeline.rig.prefix, pipeline.rig.pipeline);

test.each([
  ['added with a default', `alter table postings add column note text default 'none'`, 'note'],
  ['renamed', 'alter table postings rename column note to remark', 'remark'],
  ['given another type', 'alter table postings alter column remark type varchar(20)', 'remark'],
  // The log says nothing of these two: the same names and types, other values.
  [
    'dropped and added again',
    `alter table postings drop column remark, add column remark varchar(20) default 'new'`,
    'remark',
  ],
  [
    'rewritten in its own type',
    `alter table postings alter column remark type varchar(20) using upper(remark)`,
    'remark',
  ],
  ['dropped', 'alter table postings drop column remark', null],
  ['added and dropped again between changes of one transaction', IN_ONE_TRANSACTION, null],
])(
  'a column is %s',
  async (_, ddl, column) => {
    const seqBefore = (await log()).length;
    await pipeline.underLoad(async () => {
      const copyBefore = await copyOf(TABLE);
      await withClient(pipeline.url, (client) => client.query(ddl));
      await vi.waitFor(async () => expect(await copyOf(TABLE)).not.toBe(copyBefore), {
        timeout: 60_000,
        interval: 200,
      });
      await pipeline.rig.caughtUp();
    });
    await expectSame(column);
    const captures = (await log()).slice(seqBefore).flatMap(({ capture }) => capture ?? []);
    for (const other of captures.filter(({ table }) => table !== TABLE)) {
      expect(other.paused, `${other.table} paused`).toBeUndefined();
      expect(other.snapshot.id, `copy of ${other.table}`).toBe(await copyOf(other.table));
    }
  },
  LIMIT_MS,
);

/** Id of the copy the table's changes are folded onto. */
const copyOf = async (table: string) => (await captured(table))?.snapshot.id;
const shapeOf = async (table: string) => (await captured(table))?.columns.map(({ name }) => name);

async function captured(table: string) {
  const { capture } = (await log()).findLast((manifest) => manifest.capture !== null) ?? { capture: null };
  return capture?.find((entry) => entry.table === table && entry.paused === undefined);
}

/** The changed column has the same values on both sides, or is gone on both. */
async function expectSame(column: string | null): Promise<void> {
  const columns = await pipeline.rig.query(
    `select column_name from information_schema.columns where table_schema = 'public' and table_name = 'postings' and column_name not like '\\_walflow%' escape '\\'`,
  );
  expect(columns.flat()).toEqual([...SHAPE, ...(column === null ? [] : [column])]);
  if (column === null) return;
  const sql = `select ${column}, count(*) from public.postings group by 1 order by 1`;
  const source = await withClient(pipeline.url, async (client) => {
    const { rows } = await client.query<string[]>({ text: sql, rowMode: 'array' });
    return rows;
  });
  expect(await pipeline.rig.query(sql)).toEqual(source);
}

test(
  'columns change faster than the log is read: the last shape wins, no change is missing',
  async () => {
    await pipeline.underLoad(async (traffic) => {
      for (const type of ['int', 'bigint', 'numeric', 'text']) {
        const before = traffic.rows;
        await withClient(pipeline.url, (client) =>
          client.query(`alter table postings drop column if exists hasty, add column hasty ${type} default 1`),
        );
        await vi.waitFor(() => expect(traffic.rows).toBeGreaterThan(before), { timeout: 60_000, interval: 10 });
      }
      await vi.waitFor(async () => expect(await shapeOf(TABLE)).toEqual([...SHAPE, 'hasty']), {
        timeout: 60_000,
        interval: 200,
      });
      await pipeline.rig.caughtUp();
    });
    await expectSame('hasty');
  },
  LIMIT_MS,
);
