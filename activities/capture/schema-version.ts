// The version of a table's shape: equal shapes have equal versions, on every machine and after every restart.

import { createHash } from 'node:crypto';
import type { CapturedTable } from '../../workflows/model/relation.ts';

/** Twelve hex digits over columns, types, key and mode. */
export function schemaVersionOf(table: CapturedTable): string {
  const shape = [table.mode, table.keyColumns, table.columns.map((c) => [c.name, c.typeOid, c.typeModifier])];
  return createHash('sha256').update(JSON.stringify(shape)).digest('hex').slice(0, 12);
}

/** Identifies a table in one shape: files with the same key have the same columns. */
export function shapeKey({ table, schemaVersion }: { readonly table: string; readonly schemaVersion: string }): string {
  return `${table} ${schemaVersion}`;
}
