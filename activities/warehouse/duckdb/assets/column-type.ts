// The columns of a table, and what the engine calls types.

import type { TableName } from '../../../../workflows/model/relation.ts';
import type { DuckDbSession } from '../session.ts';

export interface TypedColumn {
  readonly name: string;
  readonly type: string;
}

/** In their order; none if the table does not exist. */
export async function columnTypes(
  session: DuckDbSession,
  { schema, name }: TableName,
): Promise<readonly TypedColumn[]> {
  return await session.rows<TypedColumn>(
    `select column_name as name, data_type as type from duckdb_columns()
     where lower(schema_name) = lower($1) and lower(table_name) = lower($2) order by column_index`,
    [schema, name],
  );
}

/** What the engine itself calls a type: `DECIMAL(18, 2)` is `DECIMAL(18,2)`, `int` is `INTEGER`. Fails for one it does not know. */
export async function typeName(session: DuckDbSession, type: string): Promise<string> {
  const [row] = await session.rows<{ name: string }>(`select typeof(null::${type}) as name`);
  return row?.name ?? type;
}
