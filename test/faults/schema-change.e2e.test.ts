// Columns are added, renamed and dropped under load: the table is copied again and equal afterwards, others never stop.

import { expect, test, vi } from 'vitest';
import { withClient } from '../support/database.ts';
import { readLog } from '../support/lake-audit.ts';
import { livePipeline } from '../support/live-pipeline.ts';

const LIMIT_MS = 300_000;
const TABLE = 'public.postings';

const pipeline = livePipeline();
const log = () => readLog(pipeline.rig.prefix, pipeline.rig.pipeline);

test.each([
  ['added with a default', `alter table postings add column note text default 'none'`, 'note'],
  ['renamed', 'alter table postings rename column note to remark', 'remark'],
  ['given another type', 'alter table postings alter column remark type varchar(20)', 'remark'],
  ['dropped', 'alter table postings drop column remark', null],
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
async function copyOf(table: string): Promise<string | undefined> {
  const { capture } = (await log()).findLast((manifest) => manifest.capture !== null) ?? { capture: null };
  return capture?.find((entry) => entry.table === table && entry.paused === undefined)?.snapshot.id;
}

/** The changed column has the same values on both sides, or is gone on both. */
async function expectSame(column: string | null): Promise<void> {
  const columns = await pipeline.rig.query(
    `select column_name from information_schema.columns where table_schema = 'public' and table_name = 'postings' and column_name not like '\\_walflow%' escape '\\'`,
  );
  expect(columns.flat()).toEqual(['account_id', 'line_no', 'amount', 'version', ...(column === null ? [] : [column])]);
  if (column === null) return;
  const sql = `select ${column}, count(*) from public.postings group by 1 order by 1`;
  const source = await withClient(pipeline.url, async (client) => {
    const { rows } = await client.query<string[]>({ text: sql, rowMode: 'array' });
    return rows;
  });
  expect(await pipeline.rig.query(sql)).toEqual(source);
}
