// From PostgreSQL's ISO text of dates and times to days and microseconds since 1970. Sessions print in UTC with DateStyle ISO;
// any other form is refused. Years before 1 end in ` BC` (1 BC is year 0); years after 9999 have more digits.
// Text forms: src/backend/utils/adt/datetime.c EncodeDateOnly, EncodeDateTime

import type { ColumnBuffer } from './column-buffer.ts';
import { POWERS_OF_TEN, parseDigits } from './text-number.ts';

const MINUS = 45;
const PLUS = 43;
const DOT = 46;
const SPACE = 32;
const ZERO = 48;
const COLON = 58;
const LETTER_I = 105;
const DAY_US = 86_400_000_000;
const INT64_MAX = 2n ** 63n - 1n;
const INT32_MAX = 2 ** 31 - 1;
/** Stands for a day or time that cannot be read. Every valid number is far above it. */
const UNREADABLE = -1e15;

/** Stored as the largest 64-bit number, or its negation; for dates 32-bit (docs/lake-format.md). */
const POSITIVE_INFINITY = 'infinity';
const NEGATIVE_INFINITY = '-infinity';

export function convertDate(column: ColumnBuffer, source: Buffer, start: number, length: number): boolean {
  const infinity = infinitySign(source, start, length);
  if (infinity !== 0) {
    column.writeInt32(infinity * INT32_MAX);
    return true;
  }
  const bc = endsInBc(source, start, length);
  const day = parseDay(source, start, bc ? start + length - 3 : start + length, bc);
  if (day === UNREADABLE) return false;
  column.writeInt32(day);
  return true;
}

export function convertTime(column: ColumnBuffer, source: Buffer, start: number, length: number): boolean {
  const time = parseTime(source, start, start + length);
  if (time === UNREADABLE) return false;
  column.writeInt64(time);
  return true;
}

export function convertTimestamp(column: ColumnBuffer, source: Buffer, start: number, length: number): boolean {
  return writeTimestamp(column, source, start, length, false);
}

export function convertTimestampTz(column: ColumnBuffer, source: Buffer, start: number, length: number): boolean {
  return writeTimestamp(column, source, start, length, true);
}

function writeTimestamp(column: ColumnBuffer, source: Buffer, start: number, length: number, zoned: boolean): boolean {
  const infinity = infinitySign(source, start, length);
  if (infinity !== 0) {
    column.writeBigInt64(BigInt(infinity) * INT64_MAX);
    return true;
  }
  const bc = endsInBc(source, start, length);
  let end = bc ? start + length - 3 : start + length;
  if (zoned) {
    if (source[end - 3] !== PLUS || source[end - 2] !== ZERO || source[end - 1] !== ZERO) return false;
    end -= 3;
  }
  // A year has four digits or more, so the space is the eleventh character or later.
  let space = start + 10;
  while (space < end && source[space] !== SPACE) space += 1;
  const day = parseDay(source, start, space, bc);
  const time = parseTime(source, space + 1, end);
  if (day === UNREADABLE || time === UNREADABLE || time >= DAY_US) return false;
  return writeMicros(column, day, time);
}

function writeMicros(column: ColumnBuffer, day: number, time: number): boolean {
  const micros = day * DAY_US + time;
  if (Number.isSafeInteger(micros)) {
    column.writeInt64(micros);
    return true;
  }
  const exact = BigInt(day) * BigInt(DAY_US) + BigInt(time);
  // The extremes mean infinity, and PostgreSQL's range ends later than ours.
  if (exact >= INT64_MAX || exact <= -INT64_MAX) return false;
  column.writeBigInt64(exact);
  return true;
}

/** 1 for `infinity`, -1 for `-infinity`, 0 for anything else. */
function infinitySign(source: Buffer, start: number, length: number): number {
  const first = source[start];
  if (first !== LETTER_I && first !== MINUS) return 0;
  const text = source.toString('latin1', start, start + length);
  if (text === POSITIVE_INFINITY) return 1;
  return text === NEGATIVE_INFINITY ? -1 : 0;
}

function endsInBc(source: Buffer, start: number, length: number): boolean {
  const end = start + length;
  return length > 3 && source[end - 1] === 67 && source[end - 2] === 66 && source[end - 3] === SPACE;
}

/** `YYYY-MM-DD` (or a longer year) as days since 1970-01-01 in the proleptic Gregorian calendar. */
function parseDay(source: Buffer, start: number, end: number, bc: boolean): number {
  if (end - start < 10 || source[end - 3] !== MINUS || source[end - 6] !== MINUS) return UNREADABLE;
  const year = parseDigits(source, start, end - 6);
  const month = twoDigits(source, end - 5);
  const day = twoDigits(source, end - 2);
  if (year < 1 || month < 1 || month > 12 || day < 1) return UNREADABLE;
  const astronomical = bc ? 1 - year : year;
  return day > daysInMonth(astronomical, month) ? UNREADABLE : daysSince1970(astronomical, month, day);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Howard Hinnant's days_from_civil: https://howardhinnant.github.io/date_algorithms.html#days_from_civil */
function daysSince1970(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468;
}

/** `HH:MM:SS[.ffffff]` as microseconds; 24:00:00 is different from 00:00:00. */
function parseTime(source: Buffer, start: number, end: number): number {
  if (end - start < 8 || source[start + 2] !== COLON || source[start + 5] !== COLON) return UNREADABLE;
  const hours = twoDigits(source, start);
  const minutes = twoDigits(source, start + 3);
  const seconds = twoDigits(source, start + 6);
  if (hours < 0 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) return UNREADABLE;
  const fraction = end - start === 8 ? 0 : parseFraction(source, start + 8, end);
  if (fraction < 0) return UNREADABLE;
  const time = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction;
  return time > DAY_US ? UNREADABLE : time;
}

/** `.f` to `.ffffff` as microseconds; -1 if it is something else. */
function parseFraction(source: Buffer, start: number, end: number): number {
  const digits = end - start - 1;
  if (source[start] !== DOT || digits < 1 || digits > 6) return -1;
  const value = parseDigits(source, start + 1, end);
  return value < 0 ? -1 : value * (POWERS_OF_TEN[6 - digits] as number);
}

function twoDigits(source: Buffer, at: number): number {
  const tens = (source[at] as number) - ZERO;
  const ones = (source[at + 1] as number) - ZERO;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}
