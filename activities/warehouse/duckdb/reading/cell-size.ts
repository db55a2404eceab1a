// How much of an answer a value takes, read off DuckDB's vector before a JavaScript value is made of it: 2,048 references to
// one text of 4 MB are small in the engine, and 8 GB as JavaScript strings.

import {
  DuckDBArrayVector,
  DuckDBBigNumVector,
  DuckDBBitVector,
  DuckDBBlobVector,
  DuckDBGeometryVector,
  DuckDBListVector,
  DuckDBMapVector,
  DuckDBStructVector,
  DuckDBUnionVector,
  DuckDBVarCharVector,
  DuckDBVariantVector,
  type DuckDBVector,
} from '@duckdb/node-api';

/** Size of the value in a row; beyond `most` any larger number will do. */
export type CellSize = (row: number, most: number) => number;

/** A number in an answer, or the text of a date: also what it costs JavaScript. */
const FIXED_BYTES = 24;
const NULL_BYTES = 4;
/** Text and bytes: an entry of 16 bytes, which begins with the length. */
const ENTRY_BYTES = 16;

/** Characters that one byte can become: `\x00`, eight digits, about 2.4 digits, two hex digits. */
const TEXT_PER_BYTE = [
  [DuckDBVarCharVector, 1],
  [DuckDBBlobVector, 4],
  [DuckDBBitVector, 8],
  [DuckDBBigNumVector, 3],
  [DuckDBGeometryVector, 2],
] as const;

/** What the client's vectors have and do not declare. The client's version is pinned, and a test covers every kind. */
interface VectorInsides {
  readonly dataView: DataView;
  readonly validity: { itemValid(row: number): boolean };
  /** Of an array. */
  readonly childData: DuckDBVector;
  /** Of a map. */
  readonly listVector: DuckDBVector;
  /** Of a union. */
  readonly structVector: DuckDBVector;
  /** Of a variant. */
  readonly structVec: DuckDBVector;
}

/** The size of each value of a vector. */
export function cellSizes(vector: DuckDBVector): CellSize {
  const insides = vector as unknown as VectorInsides;
  const perByte = TEXT_PER_BYTE.find(([kind]) => vector instanceof kind)?.[1];
  if (perByte !== undefined) {
    const { dataView, validity } = insides;
    return (row) =>
      validity.itemValid(row) ? dataView.getUint32(row * ENTRY_BYTES, true) * perByte + FIXED_BYTES : NULL_BYTES;
  }
  if (vector instanceof DuckDBListVector) {
    return (row, most) => sizeOfAll(vector.getItemVector(row), most);
  }
  if (vector instanceof DuckDBArrayVector) {
    const { length } = vector.type;
    return (row, most) => sizeOfAll(insides.childData.slice(row * length, length), most);
  }
  if (vector instanceof DuckDBStructVector) return fieldSizes(vector);
  if (vector instanceof DuckDBMapVector) return cellSizes(insides.listVector);
  if (vector instanceof DuckDBUnionVector) return cellSizes(insides.structVector);
  if (vector instanceof DuckDBVariantVector) return cellSizes(insides.structVec);
  return () => FIXED_BYTES;
}

function sizeOfAll(items: DuckDBVector | null, most: number): number {
  if (items === null) return NULL_BYTES;
  const sizes = cellSizes(items);
  let sum = NULL_BYTES;
  for (let item = 0; item < items.itemCount && sum <= most; item += 1) sum += sizes(item, most - sum);
  return sum;
}

function fieldSizes(vector: DuckDBStructVector): CellSize {
  const fields = vector.type.entryNames.map((name, i) => ({
    nameBytes: name.length,
    sizes: cellSizes(vector.entryVectorAt(i)),
  }));
  return (row, most) => {
    let sum = NULL_BYTES;
    for (const { nameBytes, sizes } of fields) sum += nameBytes + (sum <= most ? sizes(row, most - sum) : 0);
    return sum;
  };
}
