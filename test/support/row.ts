// A row as the decoder lays it out: the texts of its fields side by side in one buffer.

import { NULL_LENGTH, type Tuple, UNCHANGED_LENGTH } from '../../workflows/model/tuple.ts';

export type Field = string | null | { readonly unchanged: true };

/** A field the WAL did not carry. */
export const UNCHANGED: Field = { unchanged: true };

export function rowOf(fields: readonly Field[]): Tuple {
  const buffer = Buffer.from(fields.filter((field) => typeof field === 'string').join(''));
  const count = fields.length;
  const tuple: Tuple = { buffer, starts: new Int32Array(count), lengths: new Int32Array(count), count };
  let at = 0;
  fields.forEach((field, i) => {
    tuple.starts[i] = at;
    tuple.lengths[i] = lengthOf(field);
    if (typeof field === 'string') at += Buffer.byteLength(field);
  });
  return tuple;
}

function lengthOf(field: Field): number {
  if (field === null) return NULL_LENGTH;
  return typeof field === 'string' ? Buffer.byteLength(field) : UNCHANGED_LENGTH;
}
