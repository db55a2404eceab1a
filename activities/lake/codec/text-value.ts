// Converters for everything that is neither a number nor a time: PostgreSQL's text in, PLAIN bytes out; false = the value has
// no exact form in this column, and the row must not be stored.

import type { ColumnBuffer } from './column-buffer.ts';

const BACKSLASH = 92;
const LETTER_F = 102;
const LETTER_T = 116;
const LETTER_U = 117;
const LETTER_X = 120;
const DASH = 45;
const UUID_TEXT_LENGTH = 36;
/** Of a code unit that begins with hex digit D: the second digit, without its last two bits. */
const HIGH_SURROGATE = 2;
const LOW_SURROGATE = 3;
const NO_SURROGATE = 0;
/** Stands for a character that is not a hex digit. */
const NO_DIGIT = 255;

const HEX: Uint8Array = new Uint8Array(256).fill(NO_DIGIT);
for (let value = 0; value < 16; value++) {
  HEX[value.toString(16).charCodeAt(0)] = value;
  HEX[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

/** One byte per value; the page packs eight into one. */
export function convertBool(column: ColumnBuffer, source: Buffer, start: number, length: number): boolean {
  const letter = source[start];
  if (length !== 1 || (letter !== LETTER_T && letter !== LETTER_F)) return false;
  column.writeByte(letter === LETTER_T ? 1 : 0);
  return true;
}

/** The server's bytes as they are: client_encoding is UTF8. */
export function convertText(column: ColumnBuffer, source: Buffer, start: number, length: number): boolean {
  column.writeByteArray(source, start, length);
  return true;
}

/**
 * PostgreSQL's `json` is text that it only checks: it accepts escapes of lone surrogates, which stand for no character. Readers
 * of Parquet's JSON type refuse a file with one.
 */
export function convertJson(column: ColumnBuffer, source: Buffer, start: number, length: number): boolean {
  column.irregular ||= hasLoneSurrogate(source, start, start + length);
  return convertText(column, source, start, length);
}

/** For valid JSON, where a backslash is always inside a string, and four digits follow `\u`. */
function hasLoneSurrogate(source: Buffer, start: number, end: number): boolean {
  let high = false;
  for (let at = start; at < end; at++) {
    if (source[at] !== BACKSLASH) {
      if (high) return true;
      continue;
    }
    at += 1;
    const surrogate = source[at] === LETTER_U ? surrogateAt(source, at + 1) : NO_SURROGATE;
    if (high !== (surrogate === LOW_SURROGATE)) return true;
    high = surrogate === HIGH_SURROGATE;
    if (source[at] === LETTER_U) at += 4;
  }
  return high;
}

/** Of four hex digits, D8 to DB begin a high surrogate, DC to DF a low one. */
function surrogateAt(source: Buffer, at: number): number {
  if (HEX[source[at] as number] !== 0xd) return NO_SURROGATE;
  return (HEX[source[at + 1] as number] as number) >> 2;
}

/** `\x` and two hex digits per byte (bytea_output = hex). */
export function convertBytea(column: ColumnBuffer, source: Buffer, start: number, length: number): boolean {
  if (length < 2 || length % 2 !== 0 || source[start] !== BACKSLASH || source[start + 1] !== LETTER_X) return false;
  const count = length / 2 - 1;
  column.reserve(count + 4);
  column.view.setUint32(column.length, count, true);
  column.length += 4;
  return writeHex(column, source, start + 2, count);
}

/** 8-4-4-4-12 hex digits as 16 bytes. */
export function convertUuid(column: ColumnBuffer, source: Buffer, start: number, length: number): boolean {
  if (length !== UUID_TEXT_LENGTH || source[start + 8] !== DASH || source[start + 13] !== DASH) return false;
  if (source[start + 18] !== DASH || source[start + 23] !== DASH) return false;
  column.reserve(16);
  return (
    writeHex(column, source, start, 4) &&
    writeHex(column, source, start + 9, 2) &&
    writeHex(column, source, start + 14, 2) &&
    writeHex(column, source, start + 19, 2) &&
    writeHex(column, source, start + 24, 6)
  );
}

/** Into reserved room. */
function writeHex(column: ColumnBuffer, source: Buffer, start: number, count: number): boolean {
  const { bytes } = column;
  let at = column.length;
  for (let from = start; from < start + count * 2; from += 2) {
    const high = HEX[source[from] as number] as number;
    const low = HEX[source[from + 1] as number] as number;
    if ((high | low) > 15) return false;
    bytes[at++] = (high << 4) | low;
  }
  column.length = at;
  return true;
}
