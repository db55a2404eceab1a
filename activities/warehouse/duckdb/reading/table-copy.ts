// The tables and views that a query names, in a database file of their own, all as of one moment. Only the owner's process can open the
// warehouse; a file of the same engine keeps types and values as they are.

import { stat } from 'node:fs/promises';
import type { TableName } from '../../../../workflows/model/relation.ts';
import type { DuckDbOwner } from '../client.ts';
import { folded, literal, qualified, quoted } from '../identifier.ts';
import { CATALOG } from '../instance.ts';
import type { DuckDbSession } from '../session.ts';
import type { QueryParts } from './growth.ts';
import { queryFailure } from './query-failure.ts';
import { placeOf } from './read-place.ts';
import type { ReadView } from './view-body.ts';
import type { WatchOptions } from './watch.ts';

let copies = 0;

/** Creates the file. A query that asks which tables there are finds all of them: those it does not read are empty. */
export async function copyTables(
  owner: DuckDbOwner,
  parts: QueryParts,
  path: string,
  options: Pick<WatchOptions, 'remainingMs' | 'signal'>,
): Promise<void> {
  copies += 1;
  const copy = `pg_copy_${copies}`;
  const copied = async () => (await stat(path)).size;
  // Connections of their own: an interrupt that comes late must not meet the end.
  await owner.use((session) => session.run(`attach ${literal(path)} as ${copy} (type duckdb)`));
  try {
    await owner.use((session) =>
      owner.readers.watched(
        () => session.interrupt(),
        // A copy takes no more memory than the engine lets it.
        { ...options, copied, memoryBytes: Number.POSITIVE_INFINITY },
        async (watch) => {
          try {
            await fill(session, copy, parts, owner.views);
          } catch (failure) {
            throw watch.ended === null ? failure : queryFailure(failure, watch.ended);
          }
        },
      ),
    );
  } finally {
    await owner.use((session) => session.run(`detach ${copy}`));
  }
}

async function fill(
  session: DuckDbSession,
  copy: string,
  { tables, readsCatalog }: QueryParts,
  views: readonly ReadView[],
): Promise<void> {
  const read = new Set(tables.map((table) => folded(placeOf(table))));
  await session.transaction(async () => {
    const known = await session.rows<TableName>(
      `select schema_name as schema, table_name as name from duckdb_tables()
       where database_name = '${CATALOG}' and not temporary`,
    );
    for (const table of known) {
      const isRead = read.has(folded(table));
      if (!isRead && !readsCatalog) continue;
      await session.run(`create schema if not exists ${copy}.${quoted(table.schema)}`);
      await session.run(
        `create table ${copy}.${qualified(table)} as from ${CATALOG}.${qualified(table)}${isRead ? '' : ' limit 0'}`,
      );
    }
    for (const { place, sql } of views) {
      if (!read.has(folded(place)) && !readsCatalog) continue;
      await session.run(`create schema if not exists ${copy}.${quoted(place.schema)}`);
      await session.run(`create view ${copy}.${qualified(place)} as ${sql}`);
    }
  });
}
