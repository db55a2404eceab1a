// What callers send, checked where it enters. Messages name the field and never repeat a value.

import type { Context } from 'hono';
import { z } from 'zod';
import type { MaterializationQuery, PartitionQuery } from '../../activities/warehouse/asset-order.ts';
import type { QueryValue } from '../../activities/warehouse/query.ts';
import type { RunQuery } from '../../activities/warehouse/run-order.ts';
import { BACKFILL_ONLY } from '../../workflows/model/asset/backfill.ts';
import { RUN_CAUSES, RUN_STATUSES } from '../../workflows/model/asset/run.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { parseLsn } from '../../workflows/model/lsn.ts';
import type { BackfillRequest, RetryFrom, RunRequest, WaitRequest } from './backend.ts';

/** A client that wants to wait longer asks again: proxies and clients give up on silent connections. */
const MAX_WAIT_MS = 60_000;
const MAX_SQL_LENGTH = 100_000;
const MAX_SELECTION_LENGTH = 10_000;
const MAX_PAGE = 1_000;
const DEFAULT_PAGE = 100;

const scalar = z.union([z.null(), z.boolean(), z.number(), z.string()]);
const QUERY = z.strictObject({
  sql: z.string().min(1).max(MAX_SQL_LENGTH),
  params: z.array(scalar).max(1_000).default([]),
});
const SOME_TABLE = z.strictObject({ table: z.string().min(1).optional() });
const ONE_TABLE = z.strictObject({ table: z.string().min(1) });
const NOTHING = z.strictObject({});
const WAIT = z.object({
  pipeline: z.string().min(1),
  lsn: z.string().min(1),
  tables: z.string().min(1).optional(),
  timeoutMs: z.coerce.number<string>().int().min(0).default(MAX_WAIT_MS),
});
const SELECTION = z.object({ select: z.string().min(1).max(MAX_SELECTION_LENGTH).optional() });
const PAGE = z.object({
  partition: z.string().min(1).optional(),
  limit: z.coerce.number<string>().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
  cursor: z.string().min(1).max(200).optional(),
});

const MAX_CHUNK = 1_000;
const BACKFILL = z.strictObject({
  select: z.string().min(1).max(MAX_SELECTION_LENGTH),
  from: z.string().min(1).max(200).optional(),
  to: z.string().min(1).max(200).optional(),
  only: z.enum(BACKFILL_ONLY).optional(),
  chunk: z.number().int().min(1).max(MAX_CHUNK).optional(),
  dryRun: z.boolean().default(false),
});

const PARTITIONS = PAGE.omit({ partition: true }).extend({
  status: z.enum(['missing', 'stale', 'current']).optional(),
});

const KEY = z.string().min(1).max(200).optional();
const RUN = z.strictObject({
  select: z.string().min(1).max(MAX_SELECTION_LENGTH),
  ...{ partition: KEY, from: KEY, to: KEY },
});
const RETRY = z.strictObject({ from: z.enum(['failure', 'all']).default('failure') });
const RUNS = PAGE.omit({ partition: true }).extend({
  status: z.enum(RUN_STATUSES).optional(),
  asset: z.string().min(1).optional(),
  cause: z.enum(RUN_CAUSES).optional(),
});

/** `{sql, params?}`; scalars only. */
export async function queryRequest(c: Context): Promise<{ sql: string; params: readonly QueryValue[] }> {
  return checked(QUERY, await jsonBody(c));
}

/** `{table?}`. */
export async function someTableRequest(c: Context): Promise<{ table?: string | undefined }> {
  return checked(SOME_TABLE, await jsonBody(c));
}

/** `{table}`. */
export async function oneTableRequest(c: Context): Promise<{ table: string }> {
  return checked(ONE_TABLE, await jsonBody(c));
}

/** `{select, from?, to?, only?, chunk?, dryRun?}`. */
export async function backfillRequest(c: Context): Promise<BackfillRequest> {
  return checked(BACKFILL, await jsonBody(c));
}

/** `{}` or no body at all. */
export async function emptyRequest(c: Context): Promise<void> {
  checked(NOTHING, await jsonBody(c));
}

/** `?select=`; undefined = everything. */
export function selectionRequest(c: Context): string | undefined {
  return checked(SELECTION, c.req.query()).select;
}

/** `?pipeline=&lsn=&tables=&timeoutMs=`; tables are separated by commas, a longer time is shortened to 60 s. */
export function waitRequest(c: Context): { readonly pipeline: string; readonly request: WaitRequest } {
  const { pipeline, lsn, tables, timeoutMs } = checked(WAIT, c.req.query());
  const asked = tables === undefined ? null : tables.split(',').map((table) => table.trim());
  return { pipeline, request: { lsn: parseLsn(lsn), tables: asked, timeoutMs: Math.min(timeoutMs, MAX_WAIT_MS) } };
}

/** `?partition=&limit=&cursor=`. */
export function pageRequest(c: Context): MaterializationQuery {
  const { partition, limit, cursor } = checked(PAGE, c.req.query());
  return { limit, ...(partition === undefined ? {} : { partition }), ...(cursor === undefined ? {} : { cursor }) };
}

/** `?status=&limit=&cursor=`. */
export function partitionsRequest(c: Context): PartitionQuery {
  const { status: state, limit, cursor } = checked(PARTITIONS, c.req.query());
  return { limit, ...(state === undefined ? {} : { state }), ...(cursor === undefined ? {} : { cursor }) };
}

/** `{select, partition? | from?, to?}`. */
export async function runRequest(c: Context): Promise<RunRequest> {
  const request = checked(RUN, await jsonBody(c));
  if (request.partition === undefined || (request.from ?? request.to) === undefined) return request;
  throw new WalflowError('HTTP_REQUEST_INVALID', 'the request does not fit: partition, or from and to, not both');
}

/** `{from?: 'failure' | 'all'}`. */
export async function retryRequest(c: Context): Promise<{ readonly from: RetryFrom }> {
  return checked(RETRY, await jsonBody(c));
}

/** `?status=&asset=&cause=&limit=&cursor=`. */
export function runsRequest(c: Context): RunQuery {
  const { limit, status, asset, cause, cursor } = checked(RUNS, c.req.query());
  return {
    limit,
    ...(status === undefined ? {} : { status }),
    ...(asset === undefined ? {} : { asset }),
    ...(cause === undefined ? {} : { cause }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** The content type does not matter: the guard protects from foreign pages, not a header that a form can set. */
async function jsonBody(c: Context): Promise<unknown> {
  const text = await c.req.text();
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WalflowError('HTTP_REQUEST_INVALID', 'the body is not JSON', { cause });
  }
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join('.')}: ${message}` : message,
  );
  throw new WalflowError('HTTP_REQUEST_INVALID', `the request does not fit: ${problems.slice(0, 5).join('; ')}`);
}
