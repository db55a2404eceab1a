// Names of the columns in change files: walflow's own, then those of the table. Writers and readers of the lake both use
// this rule.

import { foldedName } from './relation.ts';

/** The columns walflow writes before the table's own. */
const OWN_COLUMNS = new Set(['_op', '_commit_lsn', '_ordinal', '_commit_time', '_xid', '_unchanged', '_moved']);

/**
 * The name of a source column in a change file: its own, unless it could be mistaken for one of walflow's. Case is ignored,
 * because some readers ignore it.
 */
export function lakeColumnName(name: string): string {
  const folded = foldedName(name);
  return OWN_COLUMNS.has(folded) || folded.startsWith('_walflow_') ? `_walflow_src_${name}` : name;
}
