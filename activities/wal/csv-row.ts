// A row in COPY's CSV format, as `verify` reads it: taken apart only if it is too long to be compared as a line.
// https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS (CSV Format)

import { byteAt } from './byte-reader.ts';

const COMMA = 0x2c;
const QUOTE = 0x22;

/** The values of the row at `buffer[start, end)`, without its newline: quoted text, or nothing for NULL. */
export function csvFields(buffer: Buffer, start: number, end: number): (Buffer | null)[] {
  const fields: (Buffer | null)[] = [];
  let at = start;
  for (;;) {
    if (at < end && byteAt(buffer, at) === QUOTE) {
      const close = closingQuote(buffer, at + 1, end);
      fields.push(withoutDoubling(buffer, at + 1, close));
      at = close + 1;
    } else {
      fields.push(null);
    }
    if (at >= end) return fields;
    if (byteAt(buffer, at) !== COMMA) throw new Error('the server sent a value without quotes');
    at += 1;
  }
}

function closingQuote(buffer: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end) {
    if (byteAt(buffer, at) !== QUOTE) at += 1;
    else if (at + 1 < end && byteAt(buffer, at + 1) === QUOTE) at += 2;
    else return at;
  }
  throw new Error('the server sent a quote without its end');
}

function withoutDoubling(buffer: Buffer, start: number, end: number): Buffer {
  const text = Buffer.allocUnsafe(end - start);
  let to = 0;
  for (let from = start; from < end; from++) {
    const byte = byteAt(buffer, from);
    text[to++] = byte;
    if (byte === QUOTE) from += 1;
  }
  return text.subarray(0, to);
}
