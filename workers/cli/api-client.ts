// A typed client of the HTTP API of a running walflow (`walflow dev` or the warehouse worker). Every failure becomes a
// WalflowError: with the API's own code and hint when it sent one, API_UNREACHABLE when nothing answers.

import type { PartitionQuery, PartitionState } from '../../activities/warehouse/asset-order.ts';
import type { BackfillDetail, BackfillView } from '../../activities/warehouse/backfill-order.ts';
import type { CheckResult } from '../../activities/warehouse/check-order.ts';
import type { StoredDeclaration } from '../../activities/warehouse/declaration.ts';
import type { QueryResult } from '../../activities/warehouse/query.ts';
import type { RunQuery } from '../../activities/warehouse/run-order.ts';
import { ERROR_RULES, type ErrorCode, WalflowError } from '../../workflows/model/errors.ts';
import type {
  AssetStatus,
  AssetWhy,
  BackfillControl,
  BackfillRequest,
  DroppedTables,
  GraphView,
  PipelineStatus,
  RetryFrom,
  RunHandle,
  RunRequest,
  RunStatusView,
  ScheduleOperation,
  ScheduleStatus,
  StartedBackfill,
  VerifyReport,
} from '../http/backend.ts';

interface ApiClientOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
}

export interface ApiClient {
  pipelines(): Promise<readonly PipelineStatus[]>;
  assets(selection?: string): Promise<readonly AssetStatus[]>;
  graph(selection?: string): Promise<GraphView>;
  checks(selection?: string): Promise<readonly CheckResult[]>;
  declarations(): Promise<readonly StoredDeclaration[]>;
  partitions(key: string, query: PartitionQuery): Promise<readonly PartitionState[]>;
  query(sql: string): Promise<QueryResult>;
  verify(pipeline: string, table: string | undefined): Promise<VerifyReport>;
  operate(pipeline: string, operation: 'pause' | 'resume'): Promise<RunHandle>;
  resync(pipeline: string, table: string): Promise<RunHandle>;
  dropDetached(pipeline: string, table: string | undefined): Promise<DroppedTables>;
  why(key: string): Promise<AssetWhy>;
  runs(query: RunQuery): Promise<readonly RunStatusView[]>;
  run(id: string): Promise<RunStatusView>;
  startRun(request: RunRequest): Promise<RunStatusView>;
  cancelRun(id: string): Promise<RunStatusView>;
  retryRun(id: string, from: RetryFrom): Promise<RunStatusView>;
  schedules(): Promise<readonly ScheduleStatus[]>;
  operateSchedule(name: string, operation: ScheduleOperation): Promise<ScheduleStatus>;
  startBackfill(request: BackfillRequest): Promise<StartedBackfill>;
  backfills(): Promise<readonly BackfillView[]>;
  backfill(id: string): Promise<BackfillDetail>;
  controlBackfill(id: string, control: BackfillControl): Promise<BackfillDetail>;
  /** Text of /metrics. */
  metrics(): Promise<string>;
}

/** @throws WalflowError USAGE_INVALID when `url` is not an http(s) address */
export function createApiClient(options: ApiClientOptions): ApiClient {
  const base = baseOf(options.url);
  const request = async (path: string, body?: unknown) => {
    const response = await answerOf(options, new URL(path, base), body);
    const text = await response.text();
    if (!response.ok) throw failureOf(base, response.status, text);
    return text;
  };
  const get = async <T>(path: string) => parsed<T>(base, await request(path));
  const post = async <T>(path: string, body: unknown) => parsed<T>(base, await request(path, body));
  const pipeline = (name: string) => `api/pipelines/${encodeURIComponent(name)}`;
  return {
    pipelines: () => get('api/pipelines'),
    assets: (selection) => get(`api/assets${selected(selection)}`),
    graph: (selection) => get(`api/graph${selected(selection)}`),
    checks: (selection) => get(`api/checks${selected(selection)}`),
    declarations: () => get('api/declarations'),
    partitions: (key, query) => get(`api/assets/${encodeURIComponent(key)}/partitions?${partitionsQuery(query)}`),
    query: (sql) => post('api/query', { sql }),
    verify: (name, table) => post(`${pipeline(name)}/verify`, { table }),
    operate: (name, operation) => post(`${pipeline(name)}/${operation}`, {}),
    resync: (name, table) => post(`${pipeline(name)}/resync`, { table }),
    dropDetached: (name, table) => post(`${pipeline(name)}/drop-detached`, { table }),
    why: (key) => get(`api/assets/${encodeURIComponent(key)}/why`),
    runs: (query) => get(`api/runs?${runsQuery(query)}`),
    run: (id) => get(`api/runs/${encodeURIComponent(id)}`),
    startRun: (asked) => post('api/runs', asked),
    cancelRun: (id) => post(`api/runs/${encodeURIComponent(id)}/cancel`, {}),
    retryRun: (id, from) => post(`api/runs/${encodeURIComponent(id)}/retry`, { from }),
    schedules: () => get('api/schedules'),
    operateSchedule: (name, operation) => post(`api/schedules/${encodeURIComponent(name)}/${operation}`, {}),
    startBackfill: (asked) => post('api/backfills', asked),
    backfills: () => get('api/backfills'),
    backfill: (id) => get(`api/backfills/${encodeURIComponent(id)}`),
    controlBackfill: (id, control) => post(`api/backfills/${encodeURIComponent(id)}/${control}`, {}),
    metrics: () => request('metrics'),
  };
}

const selected = (selection: string | undefined) =>
  selection === undefined ? '' : `?select=${encodeURIComponent(selection)}`;

function partitionsQuery({ state, limit, cursor }: PartitionQuery): string {
  const asked = { limit: String(limit), ...(state && { status: state }), ...(cursor !== undefined && { cursor }) };
  return new URLSearchParams(asked).toString();
}

function runsQuery({ limit, ...filters }: RunQuery): string {
  return new URLSearchParams({ limit: String(limit), ...filters }).toString();
}

function baseOf(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : null;
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new WalflowError('USAGE_INVALID', `"${url}" is not an http address`, {
      hint: 'write --url like http://127.0.0.1:4400',
    });
  }
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return base;
}

async function answerOf(options: ApiClientOptions, url: URL, body: unknown): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (options.token !== undefined) headers.authorization = `Bearer ${options.token}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  try {
    return await options.fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers,
      signal: options.signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (cause) {
    options.signal.throwIfAborted();
    throw new WalflowError('API_UNREACHABLE', `no walflow answers at ${url.origin}`, { cause });
  }
}

/** The API's error body is `{error: {code, message, hint}}`; any other answer came from something in between. */
function failureOf(base: URL, status: number, text: string): WalflowError {
  const error = errorBody(text);
  if (error === null)
    return new WalflowError('API_ANSWER_INVALID', `${base.origin} answered with HTTP status ${status}`);
  const known = error.code in ERROR_RULES;
  const code = known ? (error.code as ErrorCode) : 'API_ANSWER_INVALID';
  return new WalflowError(code, known ? error.message : `${error.message} (${error.code})`, { hint: error.hint });
}

function errorBody(text: string): { code: string; message: string; hint: string } | null {
  const body = jsonOf(text);
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : null;
  if (typeof error !== 'object' || error === null || !('code' in error) || !('message' in error)) return null;
  const hint = 'hint' in error ? String(error.hint) : 'look at the output of the walflow that answered';
  return { code: String(error.code), message: String(error.message), hint };
}

function parsed<T>(base: URL, text: string): T {
  const body = jsonOf(text);
  if (body === undefined) throw new WalflowError('API_ANSWER_INVALID', `the answer of ${base.origin} is not JSON`);
  return body as T;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
