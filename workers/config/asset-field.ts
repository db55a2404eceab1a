// The fields of assets and groups of assets, for the table in field.ts.

import { z } from 'zod';
import type { Automation, Freshness } from '../../workflows/model/asset/definition.ts';
import type { Dependency } from '../../workflows/model/asset/dependency.ts';
import type {
  AssetConfig,
  CapturedConfig,
  GroupConfig,
  SeedConfig,
  SqlFile,
  ViewConfig,
} from '../../workflows/model/define.ts';
import { checks } from './check-field.ts';
import { COLUMN_TYPE, columns, onSchemaChange } from './contract-field.ts';
import { parseDuration } from './duration.ts';
import { matching, note, type Shape } from './field-note.ts';
import { mapping, partitions } from './partition-field.ts';

const ASSET_KEY = /^[A-Za-z0-9_]+(\/[A-Za-z0-9_]+)*$/;

const duration = z
  .string()
  .refine((text) => parseDuration(text) !== null, "must be a duration like '30 seconds' or '2 minutes'");

const dependency = {
  key: z.string().meta(note({ help: '`<pipeline>/<schema>.<table>`, or the key of another asset' })),
  by: z
    .union([z.string().min(1), z.record(z.string(), z.string().min(1))], 'must be a column, or one by dimension')
    .optional()
    .meta(
      note({
        type: 'text, or texts by dimension',
        help: 'its column that decides which partition a row belongs to: a changed row makes those due that it left and came to',
        otherwise: 'a change makes the whole asset due; of an asset with the same partitions, the same one',
      }),
    ),
  zone: z
    .string()
    .optional()
    .meta(note({ help: 'the zone whose clock a TIMESTAMP in that column shows', otherwise: 'UTC' })),
  mapping: mapping.optional().meta(
    note({
      type: 'object, or objects by dimension',
      help: 'which partitions of another asset a partition reads: `samePartition()` what overlaps it, `samePartition({ start: -6, end: 0 })` also the six before, `allPartitions()` each one',
      otherwise: 'the same partition where both are divided alike, else all',
    }),
  ),
  lookup: z
    .boolean()
    .default(false)
    .meta(note({ help: 'it is read, but its changes make nothing due' })),
} satisfies Shape<Dependency>;

const dependencies = z.array(
  z.preprocess((it) => (typeof it === 'string' ? { key: it } : it), z.strictObject(dependency)),
);

const automation = {
  kind: z.literal('eager').meta(note({ help: 'set by `eager({ … })`: run whenever an input has changed' })),
  every: duration.default('5 seconds').meta(
    note({
      help: 'under traffic it is decided once in this time what runs, for all assets with the same value together',
      type: 'duration',
      why: 'the first change after a quiet time runs at once; more runs than that are read by nobody',
    }),
  ),
  scope: z
    .literal('all')
    .optional()
    .meta(
      note({
        help: 'compute every partition when a dependency without `by` and mapping has changed',
        otherwise: 'then only the latest one by time; the others show as stale',
      }),
    ),
  onCodeChange: z
    .literal('all')
    .optional()
    .meta(
      note({
        help: 'compute every partition again when the code has changed',
        otherwise: 'only an asset without partitions; those of others show as stale',
      }),
    ),
} satisfies Shape<Automation>;

const freshness = {
  warnAfter: duration.meta(note({ help: 'age from which on its freshness is WARN', type: 'duration' })),
  failAfter: duration.meta(note({ help: 'age from which on its freshness is FAIL', type: 'duration' })),
} satisfies Shape<Freshness>;

const label = {
  description: z
    .string()
    .min(1)
    .optional()
    .meta(note({ help: 'what it holds, for people' })),
  owners: z
    .array(z.string().min(1))
    .optional()
    .meta(
      note({
        help: 'whom to ask: `team:finance`, an address; selected by `owner:team:finance`',
        type: 'list of texts',
      }),
    ),
  tags: z
    .record(matching(/^[^=\s]+$/, "a name without '=' and blanks"), z.string())
    .optional()
    .meta(note({ help: 'labels, selected by `tag:name` or `tag:name=value`', type: 'texts by name' })),
};

const when = z
  .strictObject(automation)
  .optional()
  .meta(note({ help: 'when it runs by itself' }));

const limits = z
  .strictObject(freshness)
  .optional()
  .meta(note({ help: 'how far it may be behind its source' }));

const sqlFile = {
  kind: z.literal('sqlFile').meta(note({ help: 'set by `sqlFile(path)`' })),
  path: z
    .string()
    .min(1)
    .meta(note({ help: 'a file with SQL, relative to the configuration', type: 'path' })),
} satisfies Shape<SqlFile>;

const previousKeys = z
  .array(matching(ASSET_KEY, "letters, digits and _, in parts divided by '/'"))
  .min(1)
  .optional()
  .meta(
    note({
      help: 'what it was called before, from the first key on: under its new key it keeps rows, records and versions',
      type: 'list of texts',
    }),
  );

const asset = {
  key: matching(ASSET_KEY, "letters, digits and _, in parts divided by '/'").meta(
    note({ help: 'its name, `group/name`: schema `group` and table `name` in the warehouse' }),
  ),
  previousKeys,
  ...label,
  deps: z.union([z.literal('sql'), dependencies.min(1)], "must be a list, or 'sql'").meta(
    note({
      help: "what it reads: keys, or `dep(key, { … })`; `'sql'` = every `{key}` of its SQL, without options",
      type: "list of keys or objects, or `'sql'`",
    }),
  ),
  partitions: partitions.optional().meta(note({ help: 'compute it part by part instead of as a whole' })),
  automation: when,
  freshness: limits,
  columns: columns.optional().meta(
    note({
      help: 'all columns of the result: their types, and what they hold; see [checks](checks.md#columns)',
      otherwise: 'those that its SQL yields',
    }),
  ),
  onSchemaChange: onSchemaChange.optional().meta(
    note({
      help: 'what happens when it yields other columns than its table has: the step fails, or the table is made again with all of its partitions',
      otherwise: '`rebuild`',
    }),
  ),
  checks: checks.optional().meta(note({ help: 'what must hold of its rows, by name; see [checks](checks.md)' })),
  table: matching(/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$/, "'schema.table' in plain letters")
    .optional()
    .meta(note({ help: 'where the result goes', otherwise: 'derived from the key' })),
  sql: z.union([z.string().min(1), z.strictObject(sqlFile)], 'must be text or sqlFile(path)').meta(
    note({
      type: 'text, or `sqlFile(path)`',
      help: 'the query; `{key}` is the table of a dependency, `{start}` and `{end}` bound the partition in the type of the column `by` (`{end}` is exclusive), `{partition}` is its key; braces in texts, comments and struct literals are left alone',
    }),
  ),
} satisfies Shape<AssetConfig>;

const view = {
  kind: z.literal('view').meta(note({ help: 'set by `view(key, { … })`' })),
  key: asset.key,
  previousKeys,
  ...label,
  deps: asset.deps,
  table: asset.table,
  sql: asset.sql,
} satisfies Shape<ViewConfig>;

const seed = {
  kind: z.literal('seed').meta(note({ help: 'set by `seed(key, { … })`' })),
  key: asset.key,
  previousKeys,
  ...label,
  file: z
    .string()
    .min(1)
    .meta(note({ help: 'the file with its rows, relative to the configuration', type: 'path' })),
  format: z
    .enum(['csv', 'parquet', 'json'])
    .optional()
    .meta(
      note({
        help: 'what is in the file; JSON is a list of objects, or one in each line',
        otherwise: 'as its name ends',
      }),
    ),
  columns: z
    .record(z.string().min(1), matching(COLUMN_TYPE, "a type like 'DATE' or 'DECIMAL(18, 2)'"))
    .optional()
    .meta(
      note({
        help: 'types of columns, as the warehouse writes them',
        otherwise: 'found in the whole file',
        type: 'texts by name',
        why: "digits that are a code, like '007', look like a number",
      }),
    ),
  delimiter: z
    .string()
    .length(1)
    .optional()
    .meta(
      note({
        help: 'what divides the values of a CSV file, which begins with the names of its columns',
        otherwise: '`,`, of a .tsv file a tab',
      }),
    ),
  table: asset.table,
} satisfies Shape<SeedConfig>;

const captured = {
  kind: z.literal('captured').meta(note({ help: 'set by `captured(key, { … })`' })),
  key: z.string().meta(note({ help: 'a captured table, `<pipeline>/<schema>.<table>`' })),
  ...label,
  freshness: limits,
} satisfies Shape<CapturedConfig>;

const group = {
  owners: label.owners,
  tags: label.tags,
  automation: when,
  freshness: limits,
} satisfies Shape<GroupConfig>;

export const groups = z.record(
  matching(ASSET_KEY, "letters, digits and _, in parts divided by '/'"),
  z.strictObject(group),
);

const NOT_MADE = { error: 'must be made with asset, view, seed or captured' };
const kind = z.literal('derived').meta(note({ help: 'set by `asset(key, { … })`' }));

/** What `asset` makes has no kind. */
const withKind = (it: unknown) =>
  typeof it === 'object' && it !== null && !('kind' in it) ? { kind: 'derived', ...it } : it;

export const assets = z.array(
  z.preprocess(
    withKind,
    z.discriminatedUnion(
      'kind',
      [z.strictObject({ kind, ...asset }), z.strictObject(view), z.strictObject(seed), z.strictObject(captured)],
      NOT_MADE,
    ),
  ),
);
