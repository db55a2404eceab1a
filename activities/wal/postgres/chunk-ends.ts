// Where to divide a table whose rows do not lie in key order, as with random uuids: read in that order, every row costs a page.
// A chunk between two keys is read as it lies instead, exactly the same rows. Only the sizes of chunks depend on the sample.

import type { CapturedTable } from '../../../workflows/model/relation.ts';
import { orderSql } from './key-order.ts';
import { afterSql, isCaptured, keySql, lockAndRead, rowsOf, SNAPSHOT_SQL } from './snapshot-reader.ts';
import type { Source } from './source.ts';

/** Rows in the sample for each chunk: sizes then differ by some percent. */
const SAMPLED_ROWS = 400;
/** Correlation of key order and place above which an index scan reads most pages once. */
const IN_ORDER = 0.9;

/**
 * Keys at which chunks of about so many rows end, in key order; none where the rows lie in key order, and none after the last
 * of them, where the rest may be shorter or longer than a chunk.
 */
export async function chunkEnds(
  source: Source,
  table: CapturedTable,
  after: readonly string[] | null,
  rows: number,
): Promise<(readonly string[])[]> {
  const share = Math.min(1, SAMPLED_ROWS / rows);
  const sampledRows = Math.max(1, Math.round(rows * share));
  return await source.connection.transaction(SNAPSHOT_SQL, async (statements) => {
    const state = await lockAndRead(statements, table);
    // The next chunk finds this too, and says so.
    if (!isCaptured(state, table) || state.keyOperators === null) return [];
    const key = keySql(table).join(', ');
    const found = await statements.textRows(`
      with sample as materialized (
        select ${key}, tableoid as "_walflow_table", ctid as "_walflow_place"
        from ${rowsOf(table, state.partitioned)} tablesample system (${share * 100})
        where ${afterSql(table, state, after)}),
      placed as materialized (
        select ${key}, row_number() over (order by ${orderSql(keySql(table), state.keyOperators)}) as "_walflow_n",
          row_number() over (order by "_walflow_table", "_walflow_place") as "_walflow_at" from sample)
      select ${key} from placed
      where "_walflow_n" % ${sampledRows} = 0
        and (select abs(corr("_walflow_n", "_walflow_at")) < ${IN_ORDER} from placed)
      order by "_walflow_n"`);
    return found.map((values) => values.map((value) => value ?? ''));
  });
}
