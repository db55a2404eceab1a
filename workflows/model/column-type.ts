// PostgreSQL's types, sorted into kinds. Lake and warehouse each have a table that says how they store a kind. Exact or
// text: a type without an exact form of its own is kept as the text PostgreSQL prints (session: UTC, ISO dates, hex
// bytea), never rounded, never dropped.

/** The types of each kind, by their OIDs, which PostgreSQL fixes (src/include/catalog/pg_type.dat). */
const TYPE_OIDS = {
  bool: [16],
  int2: [21],
  int4: [23],
  int8: [20],
  float4: [700],
  float8: [701],
  /** Numbers of a declared precision that fits a decimal column; all others are text. */
  decimal: [1700],
  bytea: [17],
  date: [1082],
  time: [1083],
  timestamp: [1114],
  timestamptz: [1184],
  uuid: [2950],
  json: [114],
  jsonb: [3802],
  /** Every other type: enums, arrays, domains, ranges, … */
  text: [],
} as const satisfies Readonly<Record<string, readonly number[]>>;

export type ColumnKind = keyof typeof TYPE_OIDS;

/** A column's type, as the catalog and the WAL describe it. */
export interface TypedColumn {
  /** pg_type OID. */
  readonly typeOid: number;
  /** pg_attribute.atttypmod; -1 = none. */
  readonly typeModifier: number;
}

export interface ColumnType {
  readonly kind: ColumnKind;
  /** Of a decimal: number of digits, and of those after the point. 0 for every other kind. */
  readonly precision: number;
  readonly scale: number;
}

const MAX_DECIMAL_DIGITS = 38;

const KIND_OF: ReadonlyMap<number, ColumnKind> = new Map(
  Object.entries(TYPE_OIDS).flatMap(([kind, oids]) => oids.map((oid) => [oid, kind as ColumnKind] as const)),
);

export function columnTypeOf({ typeOid, typeModifier }: TypedColumn): ColumnType {
  const kind = KIND_OF.get(typeOid) ?? 'text';
  return kind === 'decimal' ? decimalType(typeModifier) : { kind, precision: 0, scale: 0 };
}

/** numeric(p, s): `((p << 16) | (s & 0x7ff)) + 4`; s is an 11-bit signed number since PostgreSQL 15 (numeric.c). */
function decimalType(typeModifier: number): ColumnType {
  const precision = ((typeModifier - 4) >> 16) & 0xffff;
  const scale = (((typeModifier - 4) & 0x7ff) ^ 1024) - 1024;
  const fits = typeModifier >= 4 && precision <= MAX_DECIMAL_DIGITS && scale >= 0 && scale <= precision;
  return fits ? { kind: 'decimal', precision, scale } : { kind: 'text', precision: 0, scale: 0 };
}
