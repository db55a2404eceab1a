// A position in PostgreSQL's write-ahead log (WAL): a bigint in memory, 16 lower-case hex digits wherever it is stored or
// sent (so text order is WAL order), `X/Y` for people. Everything that takes an LSN from outside accepts both texts.

import { WalflowError } from './errors.ts';

/** A byte position in the WAL (PostgreSQL's `pg_lsn`). */
export type Lsn = bigint;

/** An LSN as 16 lower-case hex digits, the form used in keys, manifests, Temporal payloads and JSON. */
export type LsnHex = string;

/** 16 lower-case hex digits. */
export function lsnToHex(lsn: Lsn): LsnHex {
  return lsn.toString(16).padStart(16, '0');
}

/** PostgreSQL's own text form, for people and for SQL: `16/B374D848`. */
export function lsnToText(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffff_ffffn).toString(16).toUpperCase()}`;
}

/**
 * Accepts `X/Y` and 1 to 16 hex digits.
 * @throws WalflowError LSN_INVALID for anything else.
 */
export function parseLsn(text: string): Lsn {
  const slashed = /^([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i.exec(text);
  if (slashed) return (BigInt(`0x${slashed[1]}`) << 32n) | BigInt(`0x${slashed[2]}`);
  if (/^[0-9a-f]{1,16}$/i.test(text)) return BigInt(`0x${text}`);
  throw new WalflowError('LSN_INVALID', `"${text.slice(0, 40)}" is not a WAL position`);
}

export function earlierLsn(one: Lsn, other: Lsn): Lsn {
  if (one < other) return one;
  return other;
}
