// The JSON columns of `_walflow`, checked when they are read: a file may come from another version of walflow, or from a
// person with a SQL prompt, and all later code trusts positions and keys. Pure.

import { z } from 'zod';
import type { CheckMark, MaterializationInput } from '../../../workflows/model/asset/record.ts';
import type { RunCause } from '../../../workflows/model/asset/run.ts';
import { WalflowError } from '../../../workflows/model/errors.ts';
import type { CaptureEntry } from '../../../workflows/model/manifest.ts';
import type { FailingKey } from '../check-order.ts';
import type { RowCounts } from '../merge-plan.ts';

const lsn = z.string().regex(/^[0-9a-f]{16}$/, 'not 16 lower-case hex digits');
const count = z.int().nonnegative();
const text = z.string().min(1);

/** `_walflow.tables.capture`. */
const captureSchema: z.ZodType<CaptureEntry> = z.object({
  table: text,
  schema: text,
  name: text,
  oid: count,
  mode: z.enum(['keyed', 'append-only']),
  keyColumns: z.array(text),
  columns: z.array(z.object({ name: text, typeOid: count, typeModifier: z.int() })),
  replicaIdentity: z.enum(['d', 'n', 'f', 'i']),
  layout: z
    .object({
      columnNumbers: z.array(count),
      attributes: text,
      storage: text,
      leaves: z.array(text).exactOptional(),
      dependencies: z.array(text).exactOptional(),
    })
    .exactOptional(),
  schemaVersion: text,
  snapshot: z.object({
    id: text,
    r0Lsn: lsn,
    fromSeq: z.int().positive(),
    exact: z.literal(true).exactOptional(),
  }),
  provisional: z.literal(true).exactOptional(),
  paused: z.object({ code: text, reason: z.string(), commitLsn: lsn }).exactOptional(),
});

/** `_walflow.ledger.rows`, by table id. */
const rowCountsSchema: z.ZodType<Readonly<Record<string, RowCounts>>> = z.record(
  text,
  z.object({ inserts: count, updates: count, deletes: count, loaded: count }),
);

/** `_walflow.materializations.inputs`. */
const inputsSchema: z.ZodType<readonly MaterializationInput[]> = z.array(
  z.object({ asset: text, lsnTo: lsn, seqTo: count, seqFrom: count, lsnFrom: lsn }),
);

/** `_walflow.materializations.checks`. */
const marksSchema: z.ZodType<readonly CheckMark[]> = z.array(
  z.object({ name: text, state: z.enum(['warned', 'failed', 'error']) }),
);

/** `_walflow.checks.keys`. */
const keysSchema: z.ZodType<readonly FailingKey[]> = z.array(z.record(text, z.string().nullable()));
/** `_walflow.runs.cause`. */
const causeSchema: z.ZodType<RunCause> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('automation') }),
  z.object({ kind: z.literal('manual') }),
  z.object({ kind: z.literal('schedule'), name: text, at: text }),
  z.object({ kind: z.literal('backfill'), id: text }),
]);

export const parseCapture = (stored: string) => parse(captureSchema, stored, 'tables.capture');
export const parseRowCounts = (stored: string) => parse(rowCountsSchema, stored, 'ledger.rows');
export const parseInputs = (stored: string) => parse(inputsSchema, stored, 'materializations.inputs');
export const parseMarks = (stored: string) => parse(marksSchema, stored, 'materializations.checks');
export const parseKeys = (stored: string) => parse(keysSchema, stored, 'checks.keys');
export const parseCause = (stored: string) => parse(causeSchema, stored, 'runs.cause');

/** @throws WalflowError WAREHOUSE_UNREADABLE, naming the column and what is wrong, without the value */
function parse<T>(schema: z.ZodType<T>, stored: string, column: string): T {
  const checked = schema.safeParse(jsonOf(stored));
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  const where = issue?.path.join('.') || 'the value';
  throw new WalflowError('WAREHOUSE_UNREADABLE', `_walflow.${column}: ${where}: ${issue?.message ?? 'malformed'}`);
}

/** Undefined for what is no JSON: no schema takes that. */
function jsonOf(stored: string): unknown {
  try {
    return JSON.parse(stored);
  } catch {
    return undefined;
  }
}
