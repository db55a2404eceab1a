// Names of the columns in change files: walflow's own, then the table's. Both sides of the lake use this one rule.

import { foldedName } from './relation.ts';

/** The columns walflow writes before the table's own. */
const OWN_COLUMNS = new Set(['_op', '_commit_lsn', '_ordinal', '_commit_time', '_xid', '_unchanged', '_moved']);

/**
 * The name of a source column in a change file: its own, unless it could be taken for one of walflow's. Compared without
 * regard to case, because readers such as DuckDB fold it.
 */
export function lakeColumnName(name: string): string {
  const folded = foldedName(name);
  return OWN_COLUMNS.has(folded) || folded.startsWith('_walflow_') ? `_walflow_src_${name}` : name;
}
