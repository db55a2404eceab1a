// Captured tables for tests, from short column lists.

import type { CapturedTable } from '../../workflows/model/relation.ts';

/** pg_type OIDs of the kinds tests use. */
export const OID = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  json: 114,
  float4: 700,
  float8: 701,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
} as const;

type ColumnSpec = readonly [name: string, typeOid: number, typeModifier?: number];

/** atttypmod of numeric(p, s). */
export const numericModifier = (precision: number, scale: number) => ((precision << 16) | (scale & 0x7ff)) + 4;

/** Table public.t; the first column is its key unless `keyColumns` says otherwise. */
export function capturedTable(columns: readonly ColumnSpec[], keyColumns?: readonly string[]): CapturedTable {
  return {
    table: 'public.t',
    schema: 'public',
    name: 't',
    oid: 16_384,
    mode: 'keyed',
    keyColumns: keyColumns ?? columns.slice(0, 1).map(([name]) => name),
    columns: columns.map(([name, typeOid, typeModifier = -1]) => ({ name, typeOid, typeModifier })),
    replicaIdentity: 'd',
  };
}
