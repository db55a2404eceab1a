// The fields of walflow.config.ts, in one table (those of assets are in asset-field.ts): validation, defaults and
// docs/configuration.md are derived from it. The types that users of the file see are in workflows/model/define.ts; a field is added to both, and the compiler compares.

import { z } from 'zod';
import type {
  DuckDbWarehouse,
  FlushConfig,
  LakeConfig,
  MergeConfig,
  PipelineConfig,
  ProjectConfig,
  SnapshotConfig,
  SourceConfig,
} from '../../workflows/model/define.ts';
import { parseLakeUrl } from '../../workflows/model/lake-url.ts';
import { PIPELINE_NAME } from '../../workflows/model/names.ts';
import { parseTableId } from '../../workflows/model/relation.ts';
import { assets, groups } from './asset-field.ts';
import { matching, NAME, note, type Shape } from './field-note.ts';
import { schedule } from './schedule-field.ts';

/** A whole number within bounds. */
const whole = (min: number, max: number) => z.int().min(min).max(max);
const url = (protocol: RegExp, form: string) =>
  z.string().refine((value) => URL.canParse(value) && protocol.test(value), `must be a URL like ${form}`);

const SLOT_NAME = /^[a-z0-9_]{1,63}$/;
const KIB = 1_024;
const MIB = 1_048_576;

const source = {
  url: url(/^postgres(ql)?:\/\//, 'postgres://user:password@host:5432/database').meta(
    note({
      help: 'source database, also with `sslmode` as in libpq (`prefer`); percent-encode special characters of the password',
      type: 'postgres:// URL',
    }),
  ),
  tables: z
    .array(z.string().refine((id) => parseTableId(id) !== null, "must be 'schema.table' or 'schema.*'"))
    .min(1)
    .meta(note({ help: 'what is captured: `schema.table`, or `schema.*` for all of a schema', type: 'list of texts' })),
  newTables: z
    .enum(['add', 'ignore'])
    .default('add')
    .meta(
      note({
        help: 'what happens to a table that is created later and matches `schema.*`',
        why: 'a table that is not captured is noticed only when someone needs it',
      }),
    ),
  slot: matching(SLOT_NAME, 'up to 63 of a-z, 0-9 and _')
    .optional()
    .meta(note({ help: 'replication slot', otherwise: '`walflow_<pipeline>`' })),
  publication: matching(NAME, 'a plain name of up to 63 characters')
    .optional()
    .meta(
      note({
        help: 'publication; a second one, `<publication>_append`, carries tables without a usable key',
        otherwise: '`walflow_<pipeline>`',
      }),
    ),
  maxRowBytes: whole(4 * MIB, 1024 * MIB)
    .default(256 * MIB)
    .meta(
      note({
        help: 'the largest row that is carried, as PostgreSQL prints it (a bytea takes two characters per byte); a table with a larger row pauses',
        unit: 'bytes',
        why: 'a row is in memory several times over, in both workers; PostgreSQL itself sends none beyond 1 GiB',
      }),
    ),
} satisfies Shape<SourceConfig>;

const lake = {
  url: z
    .string()
    .refine((text) => parseLakeUrl(text) !== null, "must be a bucket and a folder, like 's3://bucket/raw/cdc'")
    .meta(
      note({
        help: 'where change files and manifests go; each pipeline has its own folder below it',
        type: 's3:// URL',
      }),
    ),
  endpoint: url(/^https?:\/\//, 'http://127.0.0.1:8333')
    .optional()
    .meta(
      note({ help: 'an S3 server that is not AWS', otherwise: '`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, else AWS' }),
    ),
  region: z
    .string()
    .min(1)
    .optional()
    .meta(note({ help: 'region of the bucket', otherwise: '`AWS_REGION`' })),
  verifyWrites: z
    .boolean()
    .default(false)
    .meta(
      note({
        help: 'ask for every data file (HEAD) before its manifest is written',
        why: 'uploads have checksums already, and asking costs a round trip per batch',
      }),
    ),
  inlineBytes: whole(0, MIB)
    .default(48 * KIB)
    .meta(
      note({
        help: 'a batch whose change files are together at most so large is stored inside its manifest, as one object; 0 = never',
        unit: 'bytes',
        why: 'one request instead of one for each table and one more; manifests are read whole, so they stay small',
      }),
    ),
} satisfies Shape<LakeConfig>;

const flush = {
  maxDelayMs: whole(1, 60_000)
    .default(250)
    .meta(
      note({
        help: 'a batch is cut at the first commit after this time',
        unit: 'ms',
        why: 'at most about four uploads a second, with data a quarter of a second old',
      }),
    ),
  maxRows: whole(1, 10_000_000)
    .default(100_000)
    .meta(
      note({
        help: '… or at so many rows',
        unit: 'rows',
        why: 'bounds the memory of a batch under load; a merge takes many batches at once anyway',
      }),
    ),
  maxBytes: whole(65_536, 1_073_741_824)
    .default(32 * MIB)
    .meta(note({ help: '… or at so many bytes', unit: 'bytes', why: 'bounds what one batch keeps in memory: 32 MiB' })),
} satisfies Shape<FlushConfig>;

const merge = {
  maxRows: whole(1, 100_000_000)
    .default(1_000_000)
    .meta(
      note({
        help: 'merge at most so many rows in one transaction',
        unit: 'rows',
        why: 'a larger window gains little and spills to disk',
      }),
    ),
  maxBytes: whole(65_536, 8_589_934_592)
    .default(256 * MIB)
    .meta(
      note({
        help: 'merge at most so many bytes of change files in one transaction',
        unit: 'bytes',
        why: '256 MiB fit within the default memory limit',
      }),
    ),
} satisfies Shape<MergeConfig>;

const snapshot = {
  chunkRows: whole(1, 10_000_000)
    .default(100_000)
    .meta(
      note({
        help: 'rows in one chunk of a snapshot; fewer if they are large: a chunk ends at about 32 MiB',
        unit: 'rows',
        why: 'bounds memory, how long the table is locked against DDL, and what has to be read again after a crash',
      }),
    ),
} satisfies Shape<SnapshotConfig>;

const pipeline = {
  source: z.strictObject(source).meta(note({ help: 'the Postgres database to follow' })),
  lake: z
    .strictObject(lake)
    .meta(note({ help: 'the S3 folder that keeps every change; credentials as for any AWS tool' })),
  flush: z
    .strictObject(flush)
    .prefault({})
    .meta(note({ help: 'when a batch is cut' })),
  merge: z
    .strictObject(merge)
    .prefault({})
    .meta(note({ help: 'how much is merged at once' })),
  snapshot: z
    .strictObject(snapshot)
    .prefault({})
    .meta(note({ help: 'how snapshots are taken' })),
  warehouse: z
    .string()
    .default('main')
    .meta(note({ help: 'the warehouse to merge into, a name in `warehouses`' })),
} satisfies Shape<PipelineConfig>;

const duckDb = {
  kind: z.literal('duckdb').meta(note({ help: 'set by `duckdb({ … })`' })),
  path: z
    .string()
    .min(1)
    .meta(note({ help: 'the file, relative to the configuration; one walflow process owns it', type: 'path' })),
  memoryLimit: matching(/^\d+(\.\d+)?\s*([KMGT]i?B|%)$/i, "a size like '1GB'")
    .optional()
    .meta(note({ help: "DuckDB's `memory_limit`", otherwise: '`1GB`', why: 'beyond it a merge spills to disk' })),
  threads: whole(1, 1024)
    .optional()
    .meta(note({ help: "DuckDB's threads", otherwise: 'number of cores less one, at least 1' })),
} satisfies Shape<DuckDbWarehouse>;

/** Fields that were elsewhere before, and what to write instead. */
export const MOVED_FIELDS: ReadonlyMap<string, string> = new Map([
  ['assets[].partitions.dep', "name the column at the dependency: deps: [dep('<its key>', { by: '<column>' })]"],
]);

/** Fields of the contract whose command does not exist yet. */
export const FUTURE_FIELDS: ReadonlyMap<string, string> = new Map(
  ['backfill', 'replay', 'verify', 'compact', 'run'].map((verb) => [
    `schedules[].${verb}`,
    "a schedule can only materialize: write materialize: '<selection>'",
  ]),
);

/** The whole file. Strict everywhere: a key that is not listed is a mistake, not an extension. */
export const PROJECT = z.strictObject({
  name: matching(NAME, 'a plain name of up to 63 characters').meta(note({ help: 'name of the project' })),
  warehouses: z
    .record(matching(NAME, 'a plain name'), z.discriminatedUnion('kind', [z.strictObject(duckDb)]))
    .refine((all) => Object.keys(all).length > 0, 'must name at least one warehouse')
    .meta(note({ help: 'where tables go, by name; the default is `main`, and assets are always made there' })),
  pipelines: z
    .record(
      matching(PIPELINE_NAME, 'lower-case letters, digits and _ (at most 41), beginning with a letter'),
      z.strictObject(pipeline),
    )
    .meta(
      note({ help: 'each follows one database into one warehouse; its name also names slot, publication and folder' }),
    ),
  groups: groups
    .default({})
    .meta(
      note({ help: 'defaults of the assets of a group, and of the groups inside it; what is nearer to an asset wins' }),
    ),
  assets: assets.default([]).meta(
    note({
      help: 'tables derived from others, each made with `asset(key, { … })` or `view(key, { … })`, those whose rows are in a file, `seed(key, { … })`, and what there is to say of captured ones: `captured(key, { … })`',
    }),
  ),
  schedules: z
    .array(z.strictObject(schedule))
    .default([])
    .meta(note({ help: 'what is materialized by the clock, each made with `schedule(name, { … })`' })),
} satisfies Shape<ProjectConfig>);

/** The file with every scalar default filled in. */
export type CheckedConfig = z.output<typeof PROJECT>;
