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
  PGOUTPUT_MALFORMED: {
    retry: 'timed',
    hint: 'the replication stream was damaged in transit; it is read again from the last acknowledged position',
  },
  USAGE_INVALID: { retry: 'never', hint: 'see `walflow --help`' },
  API_UNREACHABLE: {
    retry: 'manual',
    hint: 'start it with `npx walflow dev`, or name a running one with --url or WALFLOW_URL',
  },
  API_ANSWER_INVALID: {
    retry: 'manual',
    hint: 'something else answers at this address, or another version of walflow: check --url',
  },
  DEMO_UNPREPARED: { retry: 'manual', hint: 'the demo needs a database whose user may create tables in schema public' },
  SETTING_INVALID: { retry: 'never', hint: 'correct the environment variable, or unset it to get its default' },
  HTTP_BIND_REFUSED: { retry: 'never', hint: 'set WALFLOW_TOKEN to a long random text, or listen on 127.0.0.1' },
  HTTP_HOST_REFUSED: {
    retry: 'never',
    hint: 'call it by a loopback name, or list the name in WALFLOW_HTTP_ALLOWED_HOSTS',
  },
  HTTP_ORIGIN_REFUSED: {
    retry: 'never',
    hint: 'web pages of other origins may not call the API; use a program, or the page it serves itself',
  },
  HTTP_TOKEN_INVALID: {
    retry: 'never',
    hint: 'send `Authorization: Bearer` with the token of WALFLOW_TOKEN (--token on the command line)',
  },
  HTTP_REQUEST_INVALID: { retry: 'never', hint: 'mend the request as the message says' },
  HTTP_TOO_LARGE: { retry: 'never', hint: 'send less in one request' },
  HTTP_NOT_FOUND: { retry: 'never', hint: 'the endpoints are listed in the README' },
  PIPELINE_UNKNOWN: { retry: 'never', hint: '`walflow status` lists the pipelines' },
  ASSET_UNKNOWN: { retry: 'never', hint: '`walflow status` lists the assets' },
  PORT_TAKEN: {
    retry: 'manual',
    hint: 'end the program that holds the port, or choose another one by the setting named',
  },
  WAREHOUSE_LOCKED: {
    retry: 'manual',
    hint: 'one process owns a warehouse file: stop the other one, or give this one another path',
  },
  WAREHOUSE_UNREADABLE: {
    retry: 'manual',
    hint: 'check path and permissions; move a damaged file aside: the next start makes it anew from the lake',
  },
  WAREHOUSE_NEWER: { retry: 'manual', hint: 'run the walflow version that wrote this warehouse, or a later one' },
  WAREHOUSE_DISK_FULL: {
    retry: 'timed',
    hint: 'free space on the disk of the warehouse file and of its temp directory',
  },
  WAREHOUSE_OUT_OF_MEMORY: { retry: 'timed', hint: 'raise the memoryLimit of the warehouse, or lower merge.maxRows' },
  WAREHOUSE_INVALIDATED: {
    retry: 'timed',
    hint: 'restart the warehouse worker; the file is recovered when it is opened again',
  },
  WAREHOUSE_FAILED: { retry: 'timed', hint: 'it is tried again; if it stays, report it with the log around it' },
  WAREHOUSE_UNKNOWN: { retry: 'never', hint: 'name one of the warehouses `main` in walflow.config.ts' },
  WATERMARK_MOVED: { retry: 'timed', hint: 'another merge was faster; this one reads the watermark anew' },
  UNCHANGED_UNRESOLVED: { retry: 'manual', hint: 'copy the table again with `walflow resync`' },
  TABLE_UNMERGEABLE: {
    retry: 'manual',
    hint: 'the log around it names the cause; copy the table again with `walflow resync`',
  },
  NAME_COLLISION: {
    retry: 'manual',
    hint: 'DuckDB ignores case in names: rename one of the two, or leave it out of `source.tables`',
  },
  QUERY_NOT_READ_ONLY: { retry: 'never', hint: 'send one SELECT statement; the warehouse is written by merges only' },
  QUERY_FORBIDDEN: {
    retry: 'never',
    hint: 'query tables of the warehouse; files, network and settings are out of reach',
  },
  QUERY_INVALID: { retry: 'never', hint: 'mend the SQL at the place named' },
  QUERY_TIMEOUT: { retry: 'never', hint: 'narrow the query, or ask with a longer time limit' },
  QUERY_TOO_LARGE: { retry: 'never', hint: 'add a LIMIT, or aggregate' },
  ASSET_INVALID: { retry: 'never', hint: 'mend the asset in walflow.config.ts' },
  ASSET_FAILED: { retry: 'manual', hint: 'mend the SQL of the asset, or wait until the tables it reads are loaded' },
  ASSET_OUTSIDE_WINDOW: { retry: 'manual', hint: 'let the SQL return only rows of the day between {start} and {end}' },
  VALUE_NOT_EXACT: {
    retry: 'manual',
    hint: 'the table is paused: change the value or the column type at the source, then run `walflow resync`',
  },
  CHANGE_FILE_FULL: { retry: 'timed', hint: 'lower flush.maxBytes: one column of one change file holds 2 GiB at most' },
  LAKE_UNREACHABLE: {
    retry: 'timed',
    hint: 'check the S3 endpoint, the network, and the state of the store; it is tried again',
  },
  LAKE_BUCKET_MISSING: { retry: 'manual', hint: 'create the bucket, or correct its name in lake.url' },
  LAKE_ACCESS_DENIED: {
    retry: 'manual',
    hint: 'check the credentials (AWS conventions) and that they may get, put, list and delete below the prefix',
  },
  LAKE_NO_CONDITIONAL_WRITES: {
    retry: 'manual',
    hint: 'use a store that honours If-None-Match on PUT (S3, SeaweedFS 4.40 or later): without it two writers could both win',
  },
  DATA_FILE_DAMAGED: {
    retry: 'manual',
    hint: 'restore the object from a version or a copy of the bucket, or run `walflow resync` for its table',
  },
  MANIFEST_UNREADABLE: {
    retry: 'manual',
    hint: 'restore the object from a version or a copy of the bucket; merging stops before it, ingest goes on',
  },
  MANIFEST_NEWER: { retry: 'manual', hint: 'run the walflow version that wrote it, or a later one' },
  LOG_BROKEN: {
    retry: 'manual',
    hint: 'the lake was changed by hand or by another program: restore its log folder from a copy',
  },
  LOG_TAKEN_OVER: {
    retry: 'timed',
    hint: 'another writer appends to this log; this attempt ends and starts anew from the head',
  },
  EMBEDDED_BINARY_MISSING: { retry: 'manual', hint: 'install the program named and put it on PATH' },
  EMBEDDED_POSTGRES_UNUSABLE: { retry: 'manual', hint: 'name a running database with --source instead' },
  EMBEDDED_CHILD_CRASHED: { retry: 'timed', hint: 'read its log in the state folder' },
  DEV_ALREADY_RUNNING: { retry: 'manual', hint: 'stop it first, or give this one its own WALFLOW_HOME and ports' },
  SOURCE_URL_INVALID: {
    retry: 'never',
    hint: 'write the source as postgres://user:password@host:5432/database; percent-encode special characters of the password',
  },
  SOURCE_UNREACHABLE: {
    retry: 'timed',
    hint: 'check that PostgreSQL runs at this host and port and that no firewall is in between',
  },
  SOURCE_LOGIN_FAILED: {
    retry: 'manual',
    hint: 'check user and password in the source URL, and pg_hba.conf on the server',
  },
  SOURCE_DATABASE_MISSING: {
    retry: 'manual',
    hint: 'check the database name at the end of the source URL',
  },
  SOURCE_TLS_FAILED: {
    retry: 'manual',
    hint: 'check sslmode and sslrootcert in the source URL against what the server offers',
  },
  SOURCE_IS_POOLER: {
    retry: 'manual',
    hint: 'connect to PostgreSQL itself: a connection pooler does not pass replication on (usually another port or host name)',
  },
  SOURCE_TOO_MANY_CONNECTIONS: {
    retry: 'timed',
    hint: 'raise max_connections or close idle sessions on the source',
  },
  SOURCE_REFUSED: {
    retry: 'timed',
    hint: "the server's own words say what it refused",
  },
  SOURCE_PERMISSION_DENIED: {
    retry: 'manual',
    hint: 'grant the role USAGE on the schema and SELECT on the tables',
  },
  SOURCE_ROW_SECURITY: {
    retry: 'manual',
    hint: "row security would hide rows from the copy: ALTER ROLE … BYPASSRLS, or connect as the tables' owner",
  },
  SOURCE_TOO_OLD: {
    retry: 'manual',
    hint: 'walflow needs PostgreSQL 15 or later',
  },
  SOURCE_IS_STANDBY: {
    retry: 'manual',
    hint: 'connect to the primary: publications and slots are made there',
  },
  SOURCE_WAL_LEVEL: {
    retry: 'manual',
    hint: "ALTER SYSTEM SET wal_level = 'logical', then restart PostgreSQL (managed services have a parameter for it)",
  },
  SOURCE_NO_REPLICATION_RIGHT: {
    retry: 'manual',
    hint: 'ALTER ROLE … REPLICATION (Amazon RDS: GRANT rds_replication TO …)',
  },
  SOURCE_NO_FREE_SLOT: {
    retry: 'manual',
    hint: 'raise max_replication_slots and restart, or drop a slot nobody reads: SELECT * FROM pg_replication_slots',
  },
  SOURCE_NO_FREE_WALSENDER: {
    retry: 'timed',
    hint: 'raise max_wal_senders and restart, or end a replication connection: SELECT * FROM pg_stat_replication',
  },
  SOURCE_NO_PUBLICATION_RIGHT: {
    retry: 'manual',
    hint: 'let an owner of the tables with CREATE on the database run the statement in the message; walflow accepts a publication that exists',
  },
  SOURCE_TABLE_MISSING: {
    retry: 'manual',
    hint: 'name tables as schema.table or schema.*; spelling and case count',
  },
  SOURCE_TABLE_UNSUPPORTED: {
    retry: 'manual',
    hint: 'name a permanent table (a partitioned one by its root) instead',
  },
  PUBLICATION_UNUSABLE: {
    retry: 'manual',
    hint: 'give walflow a publication name of its own, or drop this publication so that walflow makes it',
  },
  PUBLICATION_MISSING: {
    retry: 'manual',
    hint: 'the publication was dropped, or the slot still reads log from before it existed: make the publication again and start a new epoch',
  },
  SLOT_BUSY: {
    retry: 'timed',
    hint: 'stop the other consumer, or give this pipeline a slot of its own',
  },
  SLOT_MISSING: {
    retry: 'manual',
    hint: 'the slot was dropped: start a new epoch with `walflow slot recreate`, every table is copied again',
  },
  SLOT_LOST: {
    retry: 'manual',
    hint: 'PostgreSQL removed log the slot needed (max_slot_wal_keep_size, idle_replication_slot_timeout): start a new epoch with `walflow slot recreate`',
  },
  KEY_NOT_IN_LOG: {
    retry: 'manual',
    hint: "keep key columns short enough to stay inline, or give the partition its root's replica identity; then resync the table",
  },
  APPEND_ONLY_CHANGED: {
    retry: 'manual',
    hint: 'a publication was changed by hand: let walflow make it again, then resync the table',
  },
  PUBLICATION_CHANGED: {
    retry: 'timed',
    hint: 'somebody changed a publication of walflow, so changes of the table may be missing; nothing to do: it is copied again',
  },
  TABLE_SHAPE_CHANGED: { retry: 'timed', hint: 'nothing to do: the table is copied again with its new columns' },
  LAKE_LOST_OBJECT: {
    retry: 'timed',
    hint: 'the store confirmed a write it does not have: do not trust it with data before that is explained',
  },
  WATERMARK_AHEAD: {
    retry: 'manual',
    hint: 'the lake lost manifests, or lake.url points elsewhere: restore the log folder, or move the warehouse file aside to merge anew',
  },
  LOG_MISMATCH: {
    retry: 'manual',
    hint: 'the warehouse file belongs to another lake: correct lake.url or the warehouse path, or move the file aside to merge anew',
  },
  SOURCE_FORKED: {
    retry: 'manual',
    hint: '`walflow slot recreate` begins a new epoch on this server: every table is copied again',
  },
  SOURCE_RESTORED: {
    retry: 'manual',
    hint: '`walflow slot recreate` begins a new epoch on the restored server: every table is copied again',
  },
  SLOT_GAP: {
    retry: 'manual',
    hint: 'changes between the two positions cannot be read again: `walflow slot recreate` begins a new epoch and copies every table again',
  },
  SLOT_FOREIGN: {
    retry: 'manual',
    hint: 'drop it if nobody needs it (select pg_drop_replication_slot), or choose another name with source.slot',
  },
  TABLE_UNKNOWN: { retry: 'never', hint: '`walflow status` lists the tables of each pipeline' },
  VERIFY_BEHIND: {
    retry: 'manual',
    hint: 'wait until the pipeline has caught up (`walflow status`), then verify again',
  },
  TEMPORAL_UNREACHABLE: {
    retry: 'timed',
    hint: 'check TEMPORAL_ADDRESS, the network, and the server; `walflow dev` starts one of its own',
  },
  TEMPORAL_NAMESPACE_MISSING: {
    retry: 'manual',
    hint: 'correct TEMPORAL_NAMESPACE, or make it: temporal operator namespace create --namespace …',
  },
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
