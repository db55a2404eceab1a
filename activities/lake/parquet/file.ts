// From columns to a Parquet file: one row group, one data page (version 1) per column, zstd. Knows nothing of changes.
// Layout: https://github.com/apache/parquet-format#file-format; structs: src/main/thrift/parquet.thrift there.

import type { MinMax } from './column-statistics.ts';
import { bytesIn, type CompressedPages, compressPages, type Page } from './page-compression.ts';
import { packedBits, runLength } from './run-encoding.ts';
import type { LeafType } from './schema.ts';
import { LIST_OF_BINARY, LIST_OF_I32, LIST_OF_STRUCT, ThriftWriter } from './thrift.ts';

/** A column of the file. `list` is an optional list of required elements, in the standard form with three levels. */
export interface LeafColumn {
  readonly name: string;
  readonly shape: 'required' | 'optional' | 'list';
  readonly type: LeafType;
}

/** A column's data, ready to be compressed. */
export interface ColumnPages {
  readonly column: LeafColumn;
  /** Number of values, including NULLs; for a list, number of levels. */
  readonly valueCount: number;
  /** Levels, then values or dictionary indices, in parts. */
  readonly data: Page;
  /** PLAIN values, to which the indices of the data page refer. */
  readonly dictionary: { readonly bytes: Uint8Array; readonly count: number } | null;
  /** Null = not counted. */
  readonly nullCount: number | null;
  readonly minMax: MinMax | null;
}

interface PlacedColumn extends ColumnPages {
  readonly codec: CompressedPages['codec'];
  readonly dictionaryOffset: number | null;
  readonly dataOffset: number;
  /** Sizes with page headers. */
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
}

const MAGIC = Buffer.from('PAR1');
/** parquet-mr parses this text: `name version x`. */
const CREATED_BY = 'walflow version 1';
const REPETITION = { required: 0, optional: 1, repeated: 2 } as const;
const CONVERTED_LIST = 3;
const LOGICAL_LIST = 3;
const ENCODING = { PLAIN: 0, RLE: 3, RLE_DICTIONARY: 8 } as const;
const PAGE = { DATA: 0, DICTIONARY: 2 } as const;

/** The file's bytes. A file without rows has no row group. */
export async function encodeParquet(columns: readonly ColumnPages[], rows: number): Promise<Buffer> {
  const written = rows > 0 ? columns : [];
  const compressed = await Promise.all(written.map((column) => compressPages(pagesOf(column))));
  const parts: Uint8Array[] = [MAGIC];
  let offset = MAGIC.length;
  const placed = written.map((column, i) => {
    const place = placeColumn(column, compressed[i] as CompressedPages, offset);
    parts.push(...place.parts);
    offset += place.placed.compressedBytes;
    return place.placed;
  });
  const footer = encodeFooter(columns, placed, rows);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([...parts, footer, length, MAGIC]);
}

/** Definition levels of an optional column, after their length, as version 1 pages require. */
export function definitionLevels(presence: Uint8Array | null, rows: number): Buffer {
  return withLength(presence === null ? runLength(1, rows, 1) : packedBits(presence));
}

/** Levels in a version 1 page: 4 bytes of length, then the runs. */
export function withLength(levels: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(4 + levels.length);
  out.writeUInt32LE(levels.length);
  out.set(levels, 4);
  return out;
}

const pagesOf = ({ dictionary, data }: ColumnPages): readonly Page[] =>
  dictionary === null ? [data] : [[dictionary.bytes], data];

function placeColumn(
  column: ColumnPages,
  compressed: CompressedPages,
  offset: number,
): { placed: PlacedColumn; parts: Uint8Array[] } {
  const parts: Uint8Array[] = [];
  let uncompressedBytes = 0;
  let dataOffset = offset;
  pagesOf(column).forEach((raw, i) => {
    const page = compressed.pages[i] as Uint8Array;
    const isData = raw === column.data;
    const header = isData ? dataHeader(column, raw, page) : dictionaryHeader(column, raw, page);
    if (!isData) dataOffset += header.length + page.length;
    uncompressedBytes += header.length + bytesIn(raw);
    parts.push(header, page);
  });
  const compressedBytes = parts.reduce((sum, part) => sum + part.length, 0);
  const dictionaryOffset = column.dictionary === null ? null : offset;
  return {
    parts,
    placed: { ...column, codec: compressed.codec, dictionaryOffset, dataOffset, compressedBytes, uncompressedBytes },
  };
}

function dataHeader(column: ColumnPages, raw: Page, page: Uint8Array): Buffer {
  const encoding = column.dictionary === null ? ENCODING.PLAIN : ENCODING.RLE_DICTIONARY;
  const thrift = new ThriftWriter().begin().i32(1, PAGE.DATA).i32(2, bytesIn(raw)).i32(3, page.length);
  thrift.struct(5).i32(1, column.valueCount).i32(2, encoding).i32(3, ENCODING.RLE).i32(4, ENCODING.RLE).end();
  return thrift.end().finish();
}

function dictionaryHeader(column: ColumnPages, raw: Page, page: Uint8Array): Buffer {
  const thrift = new ThriftWriter().begin().i32(1, PAGE.DICTIONARY).i32(2, bytesIn(raw)).i32(3, page.length);
  thrift
    .struct(7)
    .i32(1, column.dictionary?.count ?? 0)
    .i32(2, ENCODING.PLAIN)
    .end();
  return thrift.end().finish();
}

function encodeFooter(columns: readonly ColumnPages[], placed: readonly PlacedColumn[], rows: number): Buffer {
  const thrift = new ThriftWriter().begin().i32(1, 1);
  writeSchema(thrift, columns);
  thrift.i64(3, rows).list(4, LIST_OF_STRUCT, placed.length > 0 ? 1 : 0);
  if (placed.length > 0) writeRowGroup(thrift, placed, rows);
  // Without column orders, readers ignore min_value and max_value.
  thrift.binary(6, CREATED_BY).list(7, LIST_OF_STRUCT, columns.length);
  for (const _ of columns) thrift.begin().struct(1).end().end();
  return thrift.end().finish();
}

function writeSchema(thrift: ThriftWriter, columns: readonly ColumnPages[]): void {
  const lists = columns.filter(({ column }) => column.shape === 'list').length;
  thrift.list(2, LIST_OF_STRUCT, 1 + columns.length + 2 * lists);
  thrift.begin().binary(4, 'walflow').i32(5, columns.length).end();
  for (const { column } of columns) {
    if (column.shape === 'list') writeListSchema(thrift, column);
    else writeLeafSchema(thrift, column.name, column.type, REPETITION[column.shape]);
  }
}

/** https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists */
function writeListSchema(thrift: ThriftWriter, column: LeafColumn): void {
  thrift.begin().i32(3, REPETITION.optional).binary(4, column.name).i32(5, 1).i32(6, CONVERTED_LIST);
  thrift.struct(10).struct(LOGICAL_LIST).end().end().end();
  thrift.begin().i32(3, REPETITION.repeated).binary(4, 'list').i32(5, 1).end();
  writeLeafSchema(thrift, 'element', column.type, REPETITION.required);
}

function writeLeafSchema(thrift: ThriftWriter, name: string, type: LeafType, repetition: number): void {
  thrift.begin().i32(1, type.physical);
  if (type.width !== undefined) thrift.i32(2, type.width);
  thrift.i32(3, repetition).binary(4, name);
  type.annotate(thrift);
  thrift.end();
}

function writeRowGroup(thrift: ThriftWriter, placed: readonly PlacedColumn[], rows: number): void {
  thrift.begin().list(1, LIST_OF_STRUCT, placed.length);
  for (const column of placed) writeColumnChunk(thrift, column);
  thrift.i64(2, sum(placed, 'uncompressedBytes')).i64(3, rows);
  thrift.i64(5, MAGIC.length).i64(6, sum(placed, 'compressedBytes')).end();
}

function writeColumnChunk(thrift: ThriftWriter, column: PlacedColumn): void {
  const { name, shape, type } = column.column;
  const path = shape === 'list' ? [name, 'list', 'element'] : [name];
  const encodings = column.dictionary === null ? [ENCODING.PLAIN] : [ENCODING.PLAIN, ENCODING.RLE_DICTIONARY];
  thrift
    .begin()
    .i64(2, 0)
    .struct(3)
    .i32(1, type.physical)
    .list(2, LIST_OF_I32, encodings.length + 1);
  for (const encoding of [ENCODING.RLE, ...encodings]) thrift.i32Element(encoding);
  thrift.list(3, LIST_OF_BINARY, path.length);
  for (const step of path) thrift.binaryElement(step);
  thrift.i32(4, column.codec).i64(5, column.valueCount);
  thrift.i64(6, column.uncompressedBytes).i64(7, column.compressedBytes).i64(9, column.dataOffset);
  if (column.dictionaryOffset !== null) thrift.i64(11, column.dictionaryOffset);
  writeStatistics(thrift, column);
  thrift.end().end();
}

function writeStatistics(thrift: ThriftWriter, { nullCount, minMax }: PlacedColumn): void {
  if (nullCount === null) return;
  thrift.struct(12).i64(3, nullCount);
  if (minMax !== null) thrift.binary(5, minMax.max).binary(6, minMax.min).bool(7, true).bool(8, true);
  thrift.end();
}

function sum(placed: readonly PlacedColumn[], figure: 'uncompressedBytes' | 'compressedBytes'): number {
  return placed.reduce((total, column) => total + column[figure], 0);
}
