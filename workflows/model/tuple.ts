// A row on its way from the WAL to a file: its fields lie in a buffer, as PostgreSQL printed them. Decoder and encoder share
// this form, so that no value is copied or becomes a string in between.

/** `lengths[i]` of an SQL NULL; in a row of old key values it means "not in the key". */
export const NULL_LENGTH = -1;
/** `lengths[i]` of a TOASTed value that the update did not touch: the WAL does not carry it. */
export const UNCHANGED_LENGTH = -2;

/** Column i is `lengths[i]` bytes of text at `buffer[starts[i]]`, or one of the lengths above. */
export interface Tuple {
  buffer: Buffer;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  count: number;
}

/** Room for rows of up to `count` fields. */
export function emptyTuple(count: number): Tuple {
  return { buffer: Buffer.alloc(0), starts: new Int32Array(count), lengths: new Int32Array(count), count };
}
