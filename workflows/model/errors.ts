// Every failure that walflow names, in one table, which is the manual: a code is stable, and its hint says what to do.
// Messages contain ids, positions, counts and table names, never values of cells, and no secrets.

/** How a failure is retried: by itself on a timer, after someone acted, or never (the request itself is wrong). */
export type RetryRule = 'timed' | 'manual' | 'never';

interface ErrorRule {
  readonly retry: RetryRule;
  /** What to do; printed after `hint:` unless the place of the failure gives a better one. */
  readonly hint: string;
}

export const ERROR_RULES = {
  INTERNAL: { retry: 'timed', hint: 'report this defect in walflow, with the log output around it' },
  LSN_INVALID: { retry: 'never', hint: 'write a WAL position as 16/B374D848 or as up to 16 hex digits' },
  CONFIG_INVALID: { retry: 'never', hint: 'correct the configuration at the path named, then run `walflow check`' },
  CONFIG_NOT_FOUND: { retry: 'never', hint: 'run `walflow init` to create one, or name the file with --config' },
  PGOUTPUT_MALFORMED: {
    retry: 'timed',
    hint: 'nothing at first: the stream is read again from the acknowledged position; if it fails again, report it with the log output around it',
  },
  USAGE_INVALID: { retry: 'never', hint: 'see `walflow --help`' },
  API_UNREACHABLE: {
    retry: 'manual',
    hint: 'start walflow with `npx walflow dev`, or set --url or WALFLOW_URL to where it runs',
  },
  API_ANSWER_INVALID: {
    retry: 'manual',
    hint: 'check --url: another program answers there, or another version of walflow',
  },
  DEMO_UNPREPARED: { retry: 'manual', hint: 'use a database whose user may create tables in schema public' },
  SETTING_INVALID: { retry: 'never', hint: 'correct the environment variable, or unset it to get its default' },
  HTTP_BIND_REFUSED: { retry: 'never', hint: 'set WALFLOW_TOKEN to a long random text, or listen on 127.0.0.1' },
  HTTP_HOST_REFUSED: {
    retry: 'never',
    hint: 'use 127.0.0.1 or localhost, or add the host name to WALFLOW_HTTP_ALLOWED_HOSTS',
  },
  HTTP_ORIGIN_REFUSED: {
    retry: 'never',
    hint: 'call the API from a program or from the page it serves: web pages of other origins may not call it',
  },
  HTTP_TOKEN_INVALID: {
    retry: 'never',
    hint: 'send `Authorization: Bearer` with the token of WALFLOW_TOKEN (--token on the command line)',
  },
  HTTP_REQUEST_INVALID: { retry: 'never', hint: 'correct the request as the message says' },
  HTTP_TOO_LARGE: { retry: 'never', hint: 'send less in one request' },
  HTTP_NOT_FOUND: { retry: 'never', hint: 'see docs/api.md for the endpoints' },
  PIPELINE_UNKNOWN: { retry: 'never', hint: 'run `walflow status` to see the pipelines' },
  ASSET_UNKNOWN: { retry: 'never', hint: 'run `walflow assets` to see the assets' },
  RUN_UNKNOWN: { retry: 'never', hint: 'run `walflow runs` to see the runs' },
  RUN_INVALID: {
    retry: 'never',
    hint: 'select assets that are computed, and name partitions as `walflow partitions` lists them; more of them are a backfill',
  },
  SCHEDULE_UNKNOWN: { retry: 'never', hint: 'run `walflow schedules` to see the schedules' },
  SCHEDULE_NOT_DEPLOYED: { retry: 'manual', hint: 'run `walflow deploy` to make it' },
  BACKFILL_UNKNOWN: { retry: 'never', hint: 'run `walflow backfills` to see the backfills' },
  BACKFILL_INVALID: {
    retry: 'never',
    hint: 'select an asset with partitions, and name keys as `walflow partitions` lists them; automation computes assets without partitions',
  },
  SELECTION_INVALID: {
    retry: 'never',
    hint: 'write a key, `group/*`, `+key+`, `group:x`, `tag:k=v`, `owner:x`, `kind:x`, `pipeline:x` or `status:stale`, joined by and, or, not, ( )',
  },
  PORT_TAKEN: {
    retry: 'manual',
    hint: 'stop the program that uses the port, or choose another port with the setting named',
  },
  WAREHOUSE_LOCKED: {
    retry: 'manual',
    hint: 'stop the other process, or use another path: one process owns a warehouse file',
  },
  WAREHOUSE_UNREADABLE: {
    retry: 'manual',
    hint: 'check path and permissions; if the file is damaged, move it aside, and the next start builds a new one from the lake',
  },
  WAREHOUSE_NEWER: { retry: 'manual', hint: 'run the walflow version that wrote this warehouse, or a later one' },
  WAREHOUSE_DISK_FULL: {
    retry: 'timed',
    hint: 'free space on the disk of the warehouse file and of its temp directory',
  },
  WAREHOUSE_OUT_OF_MEMORY: {
    retry: 'timed',
    hint: 'raise the memoryLimit of the warehouse, then run `walflow resync` for a table that it paused',
  },
  WAREHOUSE_INVALIDATED: { retry: 'timed', hint: 'restart the warehouse worker: opening the file again recovers it' },
  WAREHOUSE_FAILED: {
    retry: 'timed',
    hint: 'wait for the next attempt; if it fails again, report it with the log output around it',
  },
  WAREHOUSE_UNKNOWN: { retry: 'never', hint: 'call one of the warehouses `main` in walflow.config.ts' },
  WATERMARK_MOVED: {
    retry: 'timed',
    hint: 'nothing to do: another merge was faster, and the next attempt continues from there',
  },
  UNCHANGED_UNRESOLVED: { retry: 'manual', hint: 'take a new snapshot of the table with `walflow resync`' },
  TABLE_UNMERGEABLE: {
    retry: 'manual',
    hint: 'look for the cause in the log output around it, then take a new snapshot with `walflow resync`',
  },
  NAME_COLLISION: {
    retry: 'manual',
    hint: 'rename one of the two tables, or leave it out of `source.tables`: the warehouse ignores case in names',
  },
  QUERY_NOT_READ_ONLY: { retry: 'never', hint: 'send one SELECT statement: only walflow writes to the warehouse' },
  QUERY_FORBIDDEN: {
    retry: 'never',
    hint: 'query only tables of the warehouse: files, network and settings are out of reach',
  },
  QUERY_INVALID: { retry: 'never', hint: 'correct the SQL at the place named' },
  QUERY_TIMEOUT: { retry: 'never', hint: 'make the query read less: filter it, or aggregate in several steps' },
  QUERY_TOO_LARGE: { retry: 'never', hint: 'add a LIMIT, or aggregate' },
  QUERY_BUSY: { retry: 'timed', hint: 'ask again in a moment: few queries run at once, so that merges go first' },
  ASSET_INVALID: { retry: 'never', hint: 'correct the asset in walflow.config.ts' },
  ASSET_FAILED: { retry: 'manual', hint: 'correct the SQL of the asset, or wait until the tables it reads are loaded' },
  ASSET_OUTSIDE_WINDOW: {
    retry: 'manual',
    hint: 'make the SQL return only rows of its partition: from {start}, before {end}',
  },
  ASSET_CHECK_FAILED: {
    retry: 'manual',
    hint: 'run `walflow checks` with the key of the asset to see which rows, then correct them at their source, or the asset or the check',
  },
  ASSET_CONTRACT_BROKEN: {
    retry: 'manual',
    hint: "correct the SQL of the asset, or its `columns`: both name the same columns, with the warehouse's own types",
  },
  ASSET_SCHEMA_CHANGED: {
    retry: 'manual',
    hint: "keep the columns of the table, or set onSchemaChange: 'rebuild' to make it again with all of its partitions",
  },
  VALUE_NOT_EXACT: {
    retry: 'manual',
    hint: 'change the value or the column type at the source, then run `walflow resync`: the table is paused until then',
  },
  VALUE_TOO_LARGE: {
    retry: 'manual',
    hint: 'raise source.maxRowBytes (a row is in memory several times), or shorten the value, then run `walflow resync`: the table is paused until then',
  },
  CHANGE_UNPRINTABLE: {
    retry: 'manual',
    hint: 'leave the table out of source.tables, or shorten the value, then run `walflow slot recreate`: no slot gets past such a change, so a new epoch begins with a new snapshot of every table',
  },
  CHANGE_FILE_FULL: { retry: 'timed', hint: 'lower flush.maxBytes: one column of one change file holds 2 GiB at most' },
  LAKE_UNREACHABLE: { retry: 'timed', hint: 'check the S3 endpoint, the network and the store; walflow keeps trying' },
  LAKE_BUCKET_MISSING: { retry: 'manual', hint: 'create the bucket, or correct its name in lake.url' },
  LAKE_ACCESS_DENIED: {
    retry: 'manual',
    hint: 'check the credentials (AWS conventions): they must allow get, put, list and delete below the prefix',
  },
  LAKE_NO_CONDITIONAL_WRITES: {
    retry: 'manual',
    hint: 'use a store that honours If-None-Match on PUT (S3, SeaweedFS 4.40 or later): without it two writers could both win',
  },
  DATA_FILE_DAMAGED: {
    retry: 'manual',
    hint: 'restore the object from an older version or a backup of the bucket, or run `walflow resync` for its table',
  },
  MANIFEST_UNREADABLE: {
    retry: 'manual',
    hint: 'restore the object from an older version or a backup of the bucket; until then nothing is merged, while ingest goes on',
  },
  MANIFEST_NEWER: { retry: 'manual', hint: 'run the walflow version that wrote it, or a later one' },
  LOG_BROKEN: {
    retry: 'manual',
    hint: 'restore the log folder of the lake from a backup: it was changed by hand or by another program',
  },
  LOG_TAKEN_OVER: {
    retry: 'timed',
    hint: 'nothing to do when a worker was replaced; if it repeats, two deployments run this pipeline: stop one',
  },
  EMBEDDED_BINARY_MISSING: { retry: 'manual', hint: 'install the program named and put it on PATH' },
  EMBEDDED_POSTGRES_UNUSABLE: { retry: 'manual', hint: 'name a running database with --source instead' },
  EMBEDDED_CHILD_CRASHED: { retry: 'timed', hint: 'read its log in the state folder' },
  DEV_ALREADY_RUNNING: {
    retry: 'manual',
    hint: 'stop the other one with `walflow down`, or give this one its own WALFLOW_HOME and ports',
  },
  SOURCE_URL_INVALID: {
    retry: 'never',
    hint: 'write the source as postgres://user:password@host:5432/database, with special characters of the password percent-encoded',
  },
  SOURCE_UNREACHABLE: {
    retry: 'timed',
    hint: 'check that PostgreSQL runs at this host and port and that no firewall is in between',
  },
  SOURCE_LOGIN_FAILED: {
    retry: 'manual',
    hint: 'check user and password in the source URL, and pg_hba.conf on the server',
  },
  SOURCE_DATABASE_MISSING: { retry: 'manual', hint: 'check the database name at the end of the source URL' },
  SOURCE_TLS_FAILED: {
    retry: 'manual',
    hint: 'check sslmode and sslrootcert in the source URL against what the server offers',
  },
  SOURCE_IS_POOLER: {
    retry: 'manual',
    hint: 'connect to PostgreSQL itself, usually another port or host name: a connection pooler does not pass replication on',
  },
  SOURCE_TOO_MANY_CONNECTIONS: { retry: 'timed', hint: 'raise max_connections on the source, or close idle sessions' },
  SOURCE_REFUSED: { retry: 'timed', hint: "correct at the source what the server's message names" },
  SOURCE_PERMISSION_DENIED: { retry: 'manual', hint: 'grant the role USAGE on the schema and SELECT on the tables' },
  SOURCE_ROW_SECURITY: {
    retry: 'manual',
    hint: 'run ALTER ROLE … BYPASSRLS, or connect as the owner of the tables: row security would hide rows from walflow',
  },
  SOURCE_TOO_OLD: { retry: 'manual', hint: 'upgrade the source to PostgreSQL 15 or later' },
  SOURCE_IS_STANDBY: { retry: 'manual', hint: 'connect to the primary: publications and slots are created there' },
  SOURCE_WAL_LEVEL: {
    retry: 'manual',
    hint: "run ALTER SYSTEM SET wal_level = 'logical' and restart PostgreSQL (managed services have a parameter for it)",
  },
  SOURCE_NO_REPLICATION_RIGHT: {
    retry: 'manual',
    hint: 'run ALTER ROLE … REPLICATION (Amazon RDS: GRANT rds_replication TO …)',
  },
  SOURCE_NO_FREE_SLOT: {
    retry: 'manual',
    hint: 'raise max_replication_slots and restart, or drop a slot that is not needed: SELECT * FROM pg_replication_slots',
  },
  SOURCE_NO_FREE_WALSENDER: {
    retry: 'timed',
    hint: 'raise max_wal_senders and restart, or end a replication connection: SELECT * FROM pg_stat_replication',
  },
  SOURCE_NO_PUBLICATION_RIGHT: {
    retry: 'manual',
    hint: 'have the statement in the message run by an owner of the tables with CREATE on the database; walflow uses a publication that exists',
  },
  SOURCE_TABLE_MISSING: { retry: 'manual', hint: 'name tables as schema.table or schema.*; spelling and case count' },
  SOURCE_TABLE_UNSUPPORTED: {
    retry: 'manual',
    hint: 'name a permanent table instead, and a partitioned one by its root',
  },
  PUBLICATION_UNUSABLE: {
    retry: 'manual',
    hint: 'set source.publication to a name of its own, or drop this publication so that walflow creates it',
  },
  PUBLICATION_MISSING: {
    retry: 'timed',
    hint: 'nothing to do: the publication was dropped while tables were written to, so a new epoch begins and every table gets a new snapshot',
  },
  SNAPSHOT_WAITS: {
    retry: 'timed',
    hint: 'it begins once they have ended; other tables are loaded meanwhile. End the transaction, if nobody needs it',
  },
  SLOT_BUSY: {
    retry: 'timed',
    hint: 'stop the other consumer, or give this pipeline a slot of its own with source.slot',
  },
  SLOT_MISSING: {
    retry: 'manual',
    hint: 'run `walflow slot recreate`: the slot was dropped, so a new epoch begins with a new snapshot of every table',
  },
  SLOT_LOST: {
    retry: 'manual',
    hint: 'run `walflow slot recreate` to begin a new epoch: PostgreSQL removed WAL the slot needed (max_slot_wal_keep_size, idle_replication_slot_timeout)',
  },
  KEY_NOT_IN_LOG: {
    retry: 'manual',
    hint: "keep key columns short enough to stay inline, or give the partition its root's replica identity; then run `walflow resync`",
  },
  APPEND_ONLY_CHANGED: {
    retry: 'manual',
    hint: 'run `walflow resync` for the table, and do not change the publications of walflow by hand',
  },
  PUBLICATION_CHANGED: {
    retry: 'timed',
    hint: 'nothing to do: the table gets a new snapshot, because its publication was changed and changes may be missing',
  },
  TABLE_SHAPE_CHANGED: { retry: 'timed', hint: 'nothing to do: the table gets a new snapshot with its new columns' },
  LAKE_LOST_OBJECT: {
    retry: 'timed',
    hint: 'find out why the store lost an object it had confirmed, and do not trust it with data before that',
  },
  WATERMARK_AHEAD: {
    retry: 'manual',
    hint: 'correct lake.url, or restore the log folder of the lake from a backup, or move the warehouse file aside: the next start builds a new one',
  },
  LOG_MISMATCH: {
    retry: 'manual',
    hint: 'correct lake.url or the warehouse path: the file belongs to another lake; or move it aside, and the next start builds a new one',
  },
  SOURCE_FORKED: {
    retry: 'manual',
    hint: 'if this is the server you mean, run `walflow slot recreate`: a new epoch begins with a new snapshot of every table',
  },
  SOURCE_RESTORED: {
    retry: 'manual',
    hint: 'if this is the server you mean, run `walflow slot recreate`: a new epoch begins with a new snapshot of every table',
  },
  SLOT_GAP: {
    retry: 'manual',
    hint: 'run `walflow slot recreate`: changes between the two positions cannot be read again, so a new epoch begins with a new snapshot of every table',
  },
  SLOT_FOREIGN: {
    retry: 'manual',
    hint: 'drop it if nothing else uses it (select pg_drop_replication_slot), or choose another name with source.slot',
  },
  TABLE_UNKNOWN: { retry: 'never', hint: 'run `walflow status` to see the tables of each pipeline' },
  VERIFY_BEHIND: {
    retry: 'manual',
    hint: 'wait until the pipeline has caught up (`walflow status`), then verify again',
  },
  TEMPORAL_UNREACHABLE: {
    retry: 'timed',
    hint: 'check TEMPORAL_ADDRESS, the network and the server; `walflow dev` starts one of its own',
  },
  TEMPORAL_NAMESPACE_MISSING: {
    retry: 'manual',
    hint: 'correct TEMPORAL_NAMESPACE, or create it: temporal operator namespace create --namespace …',
  },
} as const satisfies Record<string, ErrorRule>;

export type ErrorCode = keyof typeof ERROR_RULES;

interface WalflowErrorDetails {
  readonly hint?: string;
  readonly cause?: unknown;
}

/** walflow's only error class. `message` says what happened, `hint` what to do. */
export class WalflowError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, details: WalflowErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = 'WalflowError';
    this.code = code;
    this.hint = details.hint ?? ERROR_RULES[code].hint;
  }

  /** `error: what. hint: what to do. (CODE)`: how the command line prints it. */
  toLine(): string {
    return `error: ${this.message}. hint: ${this.hint}. (${this.code})`;
  }
}

/** The message of a failure's innermost cause: Temporal wraps walflow's own message, which says what to do. */
export function innermostMessage(failure: unknown): string {
  let current = failure;
  while (current instanceof Error && current.cause instanceof Error) current = current.cause;
  return current instanceof Error ? current.message : String(current);
}

/** How a code is retried. */
export function retryRuleOf(code: ErrorCode): RetryRule {
  return ERROR_RULES[code].retry;
}
