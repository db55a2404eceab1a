// A row in COPY's text format, as a snapshot reads it: laid out as a tuple of fields, in place. The bytes of a value are then
// the same as in the replication stream.
// https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS (Text Format)

import { NULL_LENGTH, type Tuple } from '../../workflows/model/tuple.ts';
import { byteAt } from './byte-reader.ts';

const TAB = 0x09;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
/** `\N` is NULL. */
const NULL_LETTER = 0x4e;
/** The byte after a backslash, and what it means; any other byte stands for itself. */
const ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, NEWLINE],
  [0x72, 0x0d],
  [0x74, TAB],
  [0x76, 0x0b],
]);

/**
 * Lays out the row at `buffer[start, end)`, which ends with a newline. Escapes are undone in place, which changes the bytes of
 * the buffer.
 * @throws Error when its number of fields is not that of the tuple.
 */
export function layOutCopyRow(buffer: Buffer, start: number, end: number, tuple: Tuple): void {
  const { starts, lengths, count } = tuple;
  const last = end > start && byteAt(buffer, end - 1) === NEWLINE ? end - 1 : end;
  tuple.buffer = buffer;
  let at = start;
  let column = 0;
  for (;;) {
    if (column === count) throw new Error(`the server sent a row of more than ${count} columns`);
    starts[column] = at;
    let to = at;
    while (to < last && byteAt(buffer, to) !== TAB && byteAt(buffer, to) !== BACKSLASH) to++;
    if (to < last && byteAt(buffer, to) === BACKSLASH) {
      const fieldEnd = endOfField(buffer, to, last);
      lengths[column] = isNull(buffer, at, fieldEnd) ? NULL_LENGTH : unescaped(buffer, to, fieldEnd) - at;
      to = fieldEnd;
    } else {
      lengths[column] = to - at;
    }
    column += 1;
    if (to >= last) break;
    at = to + 1;
  }
  if (column !== count) throw new Error(`the server sent a row of ${column} columns, not of ${count}`);
}

/** The values of a row that is laid out. */
export function textsOf({ buffer, starts, lengths, count }: Tuple): (string | null)[] {
  return Array.from({ length: count }, (_, i) => {
    const [start = 0, length = 0] = [starts[i], lengths[i]];
    return length === NULL_LENGTH ? null : buffer.toString('utf8', start, start + length);
  });
}

const isNull = (buffer: Buffer, start: number, end: number) =>
  end - start === 2 && byteAt(buffer, start) === BACKSLASH && byteAt(buffer, start + 1) === NULL_LETTER;

/** The next tab: inside a value it is written as an escape. */
function endOfField(buffer: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && byteAt(buffer, at) !== TAB) at++;
  return at;
}

/** Undoes the escapes of a field, from the first one on. @returns where the field then ends */
function unescaped(buffer: Buffer, first: number, end: number): number {
  let to = first;
  for (let from = first; from < end; from++) {
    let byte = byteAt(buffer, from);
    if (byte === BACKSLASH) {
      from += 1;
      const letter = byteAt(buffer, from);
      byte = ESCAPES.get(letter) ?? letter;
    }
    buffer[to++] = byte;
  }
  return to;
}

/** A row that is too large to hold, skipped in pieces, to learn which of its columns is the largest. */
export class LargeCopyRow {
  #column = 0;
  #bytes = 0;
  #largest = { column: 0, bytes: 0 };

  /** `bytes` includes the backslashes of escapes. */
  get largest(): { readonly column: number; readonly bytes: number } {
    return this.#bytes > this.#largest.bytes ? { column: this.#column, bytes: this.#bytes } : this.#largest;
  }

  push(buffer: Buffer, start: number, end: number): void {
    for (let at = start; at < end; at++) {
      const tab = buffer.subarray(at, end).indexOf(TAB);
      const stop = tab < 0 ? end : at + tab;
      // A newline inside a value is written as an escape: this one ends the row.
      this.#bytes += stop - at - (byteAt(buffer, stop - 1) === NEWLINE && stop > at ? 1 : 0);
      if (tab < 0) return;
      this.#largest = this.largest;
      this.#column += 1;
      this.#bytes = 0;
      at = stop;
    }
  }
}
