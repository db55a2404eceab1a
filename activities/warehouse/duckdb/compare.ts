// Compares a table of the warehouse with the rows its source printed. A table with a value that DuckDB cannot cast is not
// comparable; it is never called equal.

import { stat } from 'node:fs/promises';
import type { CapturedTable } from '../../../workflows/model/relation.ts';
import type { CompareOrder, RowDifference, TableComparison } from '../comparison.ts';
import type { DuckDbOwner } from './client.ts';
import {
  addDigestsSql,
  keyedDifferencesSql,
  keylessDifferencesSql,
  loadSourceSql,
  longRowSql,
  SOURCE_TEXT,
  uncastableSql,
} from './compare-sql.ts';
import { blamesData, failureClass } from './failure.ts';
import { qualified } from './identifier.ts';
import type { DuckDbSession } from './session.ts';

/** Memory of the CSV reader: enough for any line of a small file, bounded for a large one. */
const MIN_BUFFER_BYTES = 1 << 20;
const MAX_BUFFER_BYTES = 64 << 20;

/** Compares by value, in one read transaction; merges go on meanwhile. */
export async function compareTable(owner: DuckDbOwner, order: CompareOrder): Promise<TableComparison> {
  const { size } = await stat(order.csvPath);
  const bufferBytes = Math.min(Math.max(size + 1, MIN_BUFFER_BYTES), MAX_BUFFER_BYTES);
  return await owner.use(async (session) => {
    try {
      await session.run(loadSourceSql(order.table, order.csvPath, bufferBytes));
      if (order.longRows.length > 0) for (const sql of addDigestsSql(order.table)) await session.run(sql);
      for (const row of order.longRows) await session.run(longRowSql(order.table, row));
      const uncastable = await uncastableColumns(session, order.table);
      if (uncastable.length > 0)
        return { tag: 'not-comparable', reason: `DuckDB cannot cast ${uncastable.join(', ')}` };
      return await session.transaction(() => compareRows(session, order));
    } catch (failure) {
      if (!blamesData(failure)) throw failure;
      return { tag: 'not-comparable', reason: `the comparison failed (${failureClass(failure)} error)` };
    }
  });
}

async function uncastableColumns(session: DuckDbSession, table: CapturedTable): Promise<readonly string[]> {
  const [counts] = await session.rows<Readonly<Record<string, string>>>(uncastableSql(table));
  const byColumn = Object.values(counts ?? {}).map(Number);
  return table.columns.flatMap(({ name }, i) => ((byColumn[i] ?? 0) > 0 ? [`${byColumn[i]} values of ${name}`] : []));
}

async function compareRows(
  session: DuckDbSession,
  { table, place, before, limit, longRows }: CompareOrder,
): Promise<TableComparison> {
  const keys = table.keyColumns.map((_, i) => `k${i}`);
  const differencesSql = keys.length > 0 ? keyedDifferencesSql : keylessDifferencesSql;
  const differences = differencesSql(table, place, before, longRows.length > 0);
  await session.run(`create or replace temp table _walflow_differences as ${differences} select * from differences`);
  const distinct = keys.length > 0 ? `count(distinct (${keys.join(', ')}))` : 'count(*)';
  const [counts] = await session.rows<{ source: string; warehouse: string; differing: string }>(
    `select (select count(*) from ${SOURCE_TEXT}) as source, (select count(*) from ${qualified(place)}) as warehouse,
       (select ${distinct} from temp.main._walflow_differences) as differing`,
  );
  const first =
    keys.length > 0
      ? `qualify row_number() over (partition by ${keys.join(', ')} order by kind desc) = 1 order by ${keys.join(', ')}`
      : '';
  const rows = await session.rows<{ key: string[]; kind: RowDifference['kind']; columns: string[] }>(
    `select [${keys.join(', ')}] as key, kind, columns from temp.main._walflow_differences ${first} limit ${limit}`,
  );
  return {
    tag: 'compared',
    rowsSource: Number(counts?.source),
    rowsWarehouse: Number(counts?.warehouse),
    differing: rows,
    differingCount: Number(counts?.differing),
  };
}
