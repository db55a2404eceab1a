// Drops tables that are no longer captured: a person decided that their rows are not needed. Beside no merge, because a merge
// may give their place to another table.

import type { TableName } from '../../../workflows/model/relation.ts';
import type { DuckDbOwner } from './client.ts';
import { qualified } from './identifier.ts';
import { COMMIT_LSN_COLUMN } from './merge/schema-sql.ts';
import { forgetTables, readTables } from './merge/table-state.ts';
import type { DuckDbSession } from './session.ts';

/** Drops the detached tables of a pipeline, or one of them. @returns their ids */
export async function dropDetached(owner: DuckDbOwner, pipeline: string, table?: string): Promise<readonly string[]> {
  return await owner.merging.pass(() =>
    owner.use((session) =>
      session.transaction(async () => {
        const known = await readTables(session, pipeline, table);
        const detached = known.filter(({ state }) => state === 'detached');
        for (const { place } of detached) {
          if (await isCaptured(session, place)) await session.run(`drop table ${qualified(place)}`);
        }
        const ids = detached.map(({ table: id }) => id);
        await forgetTables(session, pipeline, ids);
        return ids;
      }),
    ),
  );
}

/** An asset declared meanwhile may have made a table of its own here. */
async function isCaptured(session: DuckDbSession, { schema, name }: TableName): Promise<boolean> {
  const columns = await session.rows<{ name: string }>(
    `select column_name as name from duckdb_columns() where lower(schema_name) = lower($schema)
       and lower(table_name) = lower($name) and column_name = $own`,
    { schema, name, own: COMMIT_LSN_COLUMN },
  );
  return columns.length > 0;
}
