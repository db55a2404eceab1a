// From PostgreSQL's text of a number to its PLAIN Parquet bytes, without a string where speed counts. A converter returns false
// if the value has no exact form in its column; it may then have written a part of it.
// Text forms: src/backend/utils/adt/{int,int8,numeric,float}.c

import { INT64_DIGITS } from '../parquet/schema.ts';
import type { ColumnBuffer } from './column-buffer.ts';

export type Converter = (column: ColumnBuffer, source: Buffer, start: number, length: number) => boolean;

const MINUS = 45;
const DOT = 46;
const ZERO = 48;
/** Every number of this many decimal digits is a safe integer. */
const SAFE_DIGITS = 15;

/** By exponent, up to SAFE_DIGITS. The operator `**` costs more than reading the digits. */
export const POWERS_OF_TEN: readonly number[] = Array.from(
  { length: SAFE_DIGITS + 1 },
  (_, exponent) => 10 ** exponent,
);

const INT8_MAX_DIGITS = 19;

/**
 * Digits only, at least one, at most SAFE_DIGITS.
 * @returns the number, or -1 if the text is something else.
 */
export function parseDigits(source: Buffer, start: number, end: number): number {
  if (start >= end || end - start > SAFE_DIGITS) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (source[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function integerConverter(min: number, max: number): Converter {
  return (column, source, start, length) => {
    const negative = source[start] === MINUS;
    const magnitude = parseDigits(source, negative ? start + 1 : start, start + length);
    const value = negative ? -magnitude : magnitude;
    if (magnitude < 0 || value < min || value > max) return false;
    column.writeInt32(value);
    return true;
  };
}

export const convertInt2 = integerConverter(-(2 ** 15), 2 ** 15 - 1);
export const convertInt4 = integerConverter(-(2 ** 31), 2 ** 31 - 1);

export function convertInt8(column: ColumnBuffer, source: Buffer, start: number, length: number): boolean {
  const negative = source[start] === MINUS;
  const first = negative ? start + 1 : start;
  const end = start + length;
  if (end - first > SAFE_DIGITS) return writeLongInteger(column, source, first, end, negative);
  const magnitude = parseDigits(source, first, end);
  if (magnitude < 0) return false;
  column.writeInt64(negative ? -magnitude : magnitude);
  return true;
}

/** 16 to 19 digits, as in generated ids: head * 10^9 + tail in 16-bit limbs, all of which are safe integers. */
function writeLongInteger(
  column: ColumnBuffer,
  source: Buffer,
  first: number,
  end: number,
  negative: boolean,
): boolean {
  if (end - first > INT8_MAX_DIGITS) return false;
  const head = parseDigits(source, first, end - 9);
  const tail = parseDigits(source, end - 9, end);
  if (head < 0 || tail < 0) return false;
  const lowProduct = (head % 65536) * 1e9 + tail;
  const highProduct = Math.floor(head / 65536) * 1e9 + Math.floor(lowProduct / 65536);
  let high = Math.floor(highProduct / 65536);
  let low = (highProduct % 65536) * 65536 + (lowProduct % 65536);
  if (negative) {
    high = low === 0 ? -high : -high - 1;
    low = low === 0 ? 0 : 4294967296 - low;
  }
  if (high >= 2 ** 31 || high < -(2 ** 31)) return false;
  column.writeWords(high, low);
  return true;
}

/** numeric(p, s) as the unscaled number. */
export function decimalConverter(precision: number, scale: number): Converter {
  const limit = 10n ** BigInt(precision);
  const shortLimit = 10 ** precision;
  const wide = precision > INT64_DIGITS;
  return (column, source, start, length) => {
    const short = wide ? null : parseShortDecimal(source, start, start + length, scale);
    if (short !== null) {
      if (Math.abs(short) >= shortLimit) return false;
      column.writeInt64(short);
      return true;
    }
    const unscaled = parseDecimal(source.toString('latin1', start, start + length), scale);
    if (unscaled === null || unscaled >= limit || unscaled <= -limit) return false;
    if (wide) writeBigInt128(column, unscaled);
    else column.writeBigInt64(unscaled);
    return true;
  };
}

/** The unscaled integer, if it has few enough digits to be a safe one; null = take the slow way, or malformed. */
function parseShortDecimal(source: Buffer, start: number, end: number, scale: number): number | null {
  const negative = source[start] === MINUS;
  let value = 0;
  let digits = 0;
  let fraction = -1;
  for (let at = negative ? start + 1 : start; at < end; at++) {
    const digit = (source[at] as number) - ZERO;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digits += 1;
      if (fraction >= 0) fraction += 1;
    } else if (digit === DOT - ZERO && fraction < 0 && digits > 0) {
      fraction = 0;
    } else {
      return null;
    }
  }
  const missing = scale - Math.max(fraction, 0);
  if (digits === 0 || fraction === 0 || missing < 0 || digits + missing > SAFE_DIGITS) return null;
  const unscaled = value * (POWERS_OF_TEN[missing] as number);
  return negative ? -unscaled : unscaled;
}

/** The unscaled integer; null if it is not a plain number (NaN, Infinity) or has more digits than the scale. */
function parseDecimal(text: string, scale: number): bigint | null {
  const match = /^(-?\d+)(?:\.(\d+))?$/.exec(text);
  const fraction = match?.[2] ?? '';
  if (match === null || fraction.length > scale) return null;
  return BigInt(`${match[1]}${fraction.padEnd(scale, '0')}`);
}

function writeBigInt128(column: ColumnBuffer, value: bigint): void {
  column.reserve(16);
  column.view.setBigInt64(column.length, value >> 64n, false);
  column.view.setBigUint64(column.length + 8, value & 0xffff_ffff_ffff_ffffn, false);
  column.length += 16;
}

const FLOAT_TEXT = /^(?:-?(?:\d+(?:\.\d+)?(?:e[+-]\d+)?|Infinity)|NaN)$/;

export function convertFloat8(column: ColumnBuffer, source: Buffer, start: number, length: number): boolean {
  const text = source.toString('latin1', start, start + length);
  if (!FLOAT_TEXT.test(text)) return false;
  const value = Number(text);
  if (!Number.isFinite(value) && text !== 'NaN' && !text.endsWith('Infinity')) return false;
  column.reserve(8);
  column.view.setFloat64(column.length, value, true);
  column.length += 8;
  return true;
}

export function convertFloat4(column: ColumnBuffer, source: Buffer, start: number, length: number): boolean {
  const text = source.toString('latin1', start, start + length);
  if (!FLOAT_TEXT.test(text)) return false;
  const value = nearestFloat4(Number(text));
  if (!Number.isFinite(value) && text !== 'NaN' && !text.endsWith('Infinity')) return false;
  column.reserve(4);
  column.view.setFloat32(column.length, value, true);
  column.length += 4;
  return true;
}

/**
 * The float4 nearest to a decimal of at most 9 digits (PostgreSQL prints no more), given as the float8 nearest to it. Rounding
 * twice is wrong if that float8 lies exactly between two float4: then the decimal itself must decide.
 */
function nearestFloat4(decimal: number): number {
  const rounded = Math.fround(decimal);
  const other = 2 * decimal - rounded;
  if (rounded === decimal || Math.fround(other) !== other) return rounded;
  const lower = Math.min(rounded, other);
  const upper = Math.max(rounded, other);
  // Nine digits of the float8 give the decimal as written; a hundred give the float8 itself.
  const written = decimal.toExponential(8);
  const exact = decimal.toExponential(99);
  const comparison = compareMantissas(written, exact) * Math.sign(decimal);
  if (comparison === 0) return rounded;
  return comparison < 0 ? lower : upper;
}

/** Compares two magnitudes in exponential form whose exponents agree. */
function compareMantissas(written: string, exact: string): number {
  const a = written.replace(/^-|e.*$/g, '').padEnd(101, '0');
  const b = exact.replace(/^-|e.*$/g, '').padEnd(101, '0');
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
