// Every failure walflow names, in one table: this table is the manual. A code is stable; the operator acts on the hint.
// Messages carry ids, positions, counts and table names, never cell values or secrets.

/** How a failure is retried: on a timer by itself, after a person acted, or never (the request itself is wrong). */
export type RetryRule = 'timed' | 'manual' | 'never';

interface ErrorRule {
  readonly retry: RetryRule;
  /** What the operator does; printed after `hint:` unless the thrower knows better. */
  readonly hint: string;
}

export const ERROR_RULES = {
  INTERNAL: { retry: 'timed', hint: 'this is a defect in walflow: report it with the log around it' },
  LSN_INVALID: { retry: 'never', hint: 'write a log position as 16/B374D848 or as up to 16 hex digits' },
  CONFIG_INVALID: { retry: 'never', hint: 'mend the configuration at the path named and run `walflow check`' },
  CONFIG_NOT_FOUND: { retry: 'never', hint: 'run `walflow init` to make one, or name the file with --config' },
  PGOUTPUT_MALFORMED: { retry: 'timed', hint: 'the replication stream was damaged in transit; it is read again from the last acknowledged position' },
  USAGE_INVALID: { retry: 'never', hint: 'see `walflow --help`' },
  API_UNREACHABLE: { retry: 'manual', hint: 'start it with `npx walflow dev`, or name a running one with --url or WALFLOW_URL' },
  API_ANSWER_INVALID: { retry: 'manual', hint: 'something else answers at this address, or another version of walflow: check --url' },
  DEMO_UNPREPARED: { retry: 'manual', hint: 'the demo needs a database whose user may create tables in schema public' },
  SETTING_INVALID: { retry: 'never', hint: 'correct the environment variable, or unset it to get its default' },
  HTTP_BIND_REFUSED: { retry: 'never', hint: 'set WALFLOW_TOKEN to a long random text, or listen on 127.0.0.1' },
  HTTP_HOST_REFUSED: { retry: 'never', hint: 'call it by a loopback name, or list the name in WALFLOW_HTTP_ALLOWED_HOSTS' },
  HTTP_ORIGIN_REFUSED: { retry: 'never', hint: 'web pages of other origins may not call the API; use a program, or the page it serves itself' },
  HTTP_TOKEN_INVALID: { retry: 'never', hint: 'send `Authorization: Bearer` with the token of WALFLOW_TOKEN (--token on the command line)' },
  HTTP_REQUEST_INVALID: { retry: 'never', hint: 'mend the request as the message says' },
  HTTP_TOO_LARGE: { retry: 'never', hint: 'send less in one request' },
  HTTP_NOT_FOUND: { retry: 'never', hint: 'the endpoints are listed in the README' },
  PIPELINE_UNKNOWN: { retry: 'never', hint: '`walflow status` lists the pipelines' },
  ASSET_UNKNOWN: { retry: 'never', hint: '`walflow status` lists the assets' },
  PORT_TAKEN: { retry: 'manual', hint: 'end the program that holds the port, or choose another one by the setting named' },
  WAREHOUSE_LOCKED: { retry: 'manual', hint: 'one process owns a warehouse file: stop the other one, or give this one another path' },
  WAREHOUSE_UNREADABLE: { retry: 'manual', hint: 'check path and permissions; a damaged file is moved aside and rebuilt with `walflow rebuild`' },
  WAREHOUSE_NEWER: { retry: 'manual', hint: 'run the walflow version that wrote this warehouse, or a later one' },
  WAREHOUSE_DISK_FULL: { retry: 'timed', hint: 'free space on the disk of the warehouse file and of its temp directory' },
  WAREHOUSE_OUT_OF_MEMORY: { retry: 'timed', hint: 'raise the memoryLimit of the warehouse, or lower merge.maxRows' },
  WAREHOUSE_INVALIDATED: { retry: 'timed', hint: 'restart the warehouse worker; the file is recovered when it is opened again' },
  WAREHOUSE_FAILED: { retry: 'timed', hint: 'it is tried again; if it stays, report it with the log around it' },
  WATERMARK_MOVED: { retry: 'timed', hint: 'another merge was faster; this one reads the watermark anew' },
  UNCHANGED_UNRESOLVED: { retry: 'manual', hint: 'copy the table again with `walflow resync`' },
  TABLE_UNMERGEABLE: { retry: 'manual', hint: 'the log around it names the cause; copy the table again with `walflow resync`' },
  NAME_COLLISION: { retry: 'manual', hint: 'DuckDB ignores case in names: rename one of the two, or leave it out of `source.tables`' },
  QUERY_NOT_READ_ONLY: { retry: 'never', hint: 'send one SELECT statement; the warehouse is written by merges only' },
  QUERY_FORBIDDEN: { retry: 'never', hint: 'query tables of the warehouse; files, network and settings are out of reach' },
  QUERY_INVALID: { retry: 'never', hint: 'mend the SQL at the place named' },
  QUERY_TIMEOUT: { retry: 'never', hint: 'narrow the query, or ask with a longer time limit' },
  QUERY_TOO_LARGE: { retry: 'never', hint: 'add a LIMIT, or aggregate' },
  ASSET_INVALID: { retry: 'never', hint: 'mend the asset in walflow.config.ts' },
  ASSET_FAILED: { retry: 'manual', hint: 'mend the SQL of the asset, or wait until the tables it reads are loaded' },
  ASSET_OUTSIDE_WINDOW: { retry: 'manual', hint: 'let the SQL return only rows of the day between {start} and {end}' },
  VALUE_NOT_EXACT: { retry: 'manual', hint: 'the table is paused: change the value or the column type at the source, then run `walflow resync`' },
  CHANGE_FILE_FULL: { retry: 'timed', hint: 'lower flush.maxBytes: one column of one change file holds 2 GiB at most' },
  LAKE_URL_INVALID: { retry: 'never', hint: 'write the lake as s3://bucket or s3://bucket/prefix' },
  LAKE_UNREACHABLE: { retry: 'timed', hint: 'check the S3 endpoint, the network, and the state of the store; it is tried again' },
  LAKE_BUCKET_MISSING: { retry: 'manual', hint: 'create the bucket, or correct its name in lake.url' },
  LAKE_ACCESS_DENIED: { retry: 'manual', hint: 'check the credentials (AWS conventions) and that they may get, put, list and delete below the prefix' },
  LAKE_NO_CONDITIONAL_WRITES: { retry: 'manual', hint: 'use a store that honours If-None-Match on PUT (S3, SeaweedFS 4.40 or later): without it two writers could both win' },
  DATA_FILE_DAMAGED: { retry: 'manual', hint: 'restore the object from a version or a copy of the bucket, or run `walflow resync` for its table' },
  MANIFEST_UNREADABLE: { retry: 'manual', hint: 'restore the object from a version or a copy of the bucket; merging stops before it, ingest goes on' },
  MANIFEST_NEWER: { retry: 'manual', hint: 'run the walflow version that wrote it, or a later one' },
  LOG_BROKEN: { retry: 'manual', hint: 'the lake was changed by hand or by another program: restore its log folder from a copy' },
  LOG_TAKEN_OVER: { retry: 'timed', hint: 'another writer appends to this log; this attempt ends and starts anew from the head' },
} as const satisfies Record<string, ErrorRule>;

export type ErrorCode = keyof typeof ERROR_RULES;

interface WalflowErrorDetails {
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The one error class of the product. `message` says what happened, `hint` says what to do. */
export class WalflowError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, details: WalflowErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = 'WalflowError';
    this.code = code;
    this.hint = details.hint ?? ERROR_RULES[code].hint;
  }

  /** `error: what. hint: what to do. (CODE)`, the one form the command line prints. */
  toLine(): string {
    return `error: ${this.message}. hint: ${this.hint}. (${this.code})`;
  }
}

/** The rule for a code, as a plain value (workflows and logs ask for it). */
export function retryRuleOf(code: ErrorCode): RetryRule {
  return ERROR_RULES[code].retry;
}
