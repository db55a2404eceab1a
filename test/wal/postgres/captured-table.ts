// A table of a test's source.

import { matchTables } from '../../../activities/wal/postgres/catalog.ts';
import type { Source } from '../../../activities/wal/postgres/source.ts';
import type { CapturedTable } from '../../../workflows/model/relation.ts';

/** The one table of this name, as it would be captured. */
export async function capturedTable({ connection }: Source, name: string): Promise<CapturedTable> {
  const { tables } = await matchTables(connection, [name]);
  const [table] = tables;
  if (table === undefined) throw new Error(`no table ${name}`);
  return table.captured;
}
