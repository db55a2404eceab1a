// From assets as they are written to assets as everything else uses them: SQL read from files, dependencies from SQL, defaults
// of groups filled in, durations in milliseconds.

import type {
  Automation,
  FreshnessLimits,
  LoadedAsset,
  LoadedCaptured,
} from '../../workflows/model/asset/definition.ts';
import type { Dimension, Partitions } from '../../workflows/model/asset/partitioning.ts';
import { keysIn } from '../../workflows/model/asset/placeholder.ts';
import { keyOfDate } from '../../workflows/model/asset/time-partition.ts';
import { parseDuration } from './duration.ts';
import type { CheckedConfig } from './field.ts';
import { groupDefaults } from './group-rules.ts';
import { NamedFiles } from './named-file.ts';
import type { Problem } from './problem.ts';
import type { SourceFiles } from './source-file.ts';

export interface LoadedAssets {
  readonly assets: readonly LoadedAsset[];
  /** Where each of `assets` is in the configuration: `assets[2]`. */
  readonly paths: readonly string[];
  readonly described: readonly LoadedCaptured[];
  /** Of `described`. */
  readonly describedPaths: readonly string[];
  /** Absolute paths of the files that were read. */
  readonly files: readonly string[];
  readonly problems: readonly Problem[];
}

interface Origin {
  readonly folder: string;
  readonly files: SourceFiles;
}

type Checked<Kind> = Extract<CheckedConfig['assets'][number], { kind: Kind }>;

type Made = Checked<'derived' | 'view' | 'seed'>;

export function loadAssets(config: Pick<CheckedConfig, 'assets' | 'groups'>, origin: Origin): LoadedAssets {
  const listed = config.assets.map((it, i) => ({ it, path: `assets[${i}]` }));
  const captured = listed.flatMap(({ it, path }) => (it.kind === 'captured' ? [{ it, path }] : []));
  const made = listed.flatMap(({ it, path }) => (it.kind === 'captured' ? [] : [{ it, path }]));
  const files = new NamedFiles(origin);
  const loaded = made.flatMap(({ it, path }) => {
    const asset = loadedAsset(it, path, groupDefaults(config.groups, it.key), files);
    return asset === null ? [] : [{ path, asset }];
  });
  return {
    assets: loaded.map(({ asset }) => asset),
    paths: loaded.map(({ path }) => path),
    described: captured.map(({ it }) => loadedCaptured(it, groupDefaults(config.groups, it.key))),
    describedPaths: captured.map(({ path }) => path),
    files: files.paths,
    problems: files.problems,
  };
}

/** Null if one of its files cannot be used. */
function loadedAsset(it: Made, path: string, defaults: GroupDefaults, files: NamedFiles): LoadedAsset | null {
  const { key, table, previousKeys } = it;
  const common = {
    ...{ key, ...labels(it, defaults) },
    ...(previousKeys === undefined ? {} : { previousKeys }),
    ...(table === undefined ? {} : { table }),
  };
  if (it.kind === 'seed') {
    const seed = files.seed(it, `${path}.file`);
    return seed === null
      ? null
      : { ...common, ...computed({ automation: LOADED_AT_ONCE }, defaults), kind: it.kind, seed, deps: [], sql: '' };
  }
  const sql = typeof it.sql === 'string' ? it.sql : files.sql(it.sql.path, `${path}.sql.path`);
  if (sql === null) return null;
  return {
    ...{ ...common, sql },
    ...(it.deps === 'sql' ? { deps: keysIn(sql), depsFromSql: true } : { deps: it.deps.map(written) }),
    ...(it.kind === 'view' ? { kind: it.kind } : { ...freshness(it, defaults), ...computed(it, defaults) }),
  };
}

/** A seed has no other automation: it changes only with the configuration. */
const LOADED_AT_ONCE = { kind: 'eager', every: '5 seconds' } as const;
function eager({ kind, every, scope, onCodeChange }: NonNullable<Checked<'derived'>['automation']>): Automation {
  return {
    ...{ kind, every },
    ...(scope === undefined ? {} : { scope }),
    ...(onCodeChange === undefined ? {} : { onCodeChange }),
  };
}

type Computed = Pick<Checked<'derived'>, 'partitions' | 'automation' | 'columns' | 'onSchemaChange' | 'checks'>;

/** How rows are computed that are stored. */
function computed({ partitions, automation: own, columns, onSchemaChange, checks }: Computed, defaults: GroupDefaults) {
  const automation = own ?? defaults.automation;
  return {
    ...(partitions === undefined ? {} : { partitions: division(partitions) }),
    ...(automation === undefined
      ? {}
      : { automation: eager(automation), everyMs: parseDuration(automation.every) ?? 0 }),
    ...(columns === undefined ? {} : { columns: writtenEach(columns) }),
    ...(onSchemaChange === undefined ? {} : { onSchemaChange }),
    ...(checks === undefined ? {} : { checks: writtenEach(checks) }),
  };
}

const loadedCaptured = (it: Checked<'captured'>, defaults: GroupDefaults): LoadedCaptured => ({
  key: it.key,
  ...labels(it, defaults),
  ...freshness(it, defaults),
});

type GroupDefaults = ReturnType<typeof groupDefaults>;

/** What assets of any kind say of themselves. */
function labels(it: Made | Checked<'captured'>, defaults: GroupDefaults) {
  const { description, owners = defaults.owners } = it;
  const tags = { ...defaults.tags, ...it.tags };
  return {
    ...(description === undefined ? {} : { description }),
    ...(owners === undefined ? {} : { owners }),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
  };
}

function freshness({ freshness: own }: Checked<'derived' | 'captured'>, defaults: GroupDefaults) {
  const limits = own ?? defaults.freshness;
  return limits === undefined ? {} : { freshness: limits, freshnessLimits: freshnessLimits(limits) };
}

type CheckedPartitions = NonNullable<Checked<'derived'>['partitions']>;

function division(it: CheckedPartitions): Partitions {
  if (it.kind !== 'multi') return dimension(it);
  const { kind, dimensions } = it;
  return {
    kind,
    dimensions: Object.fromEntries(Object.entries(dimensions).map(([name, one]) => [name, dimension(one)])),
  };
}

/** Bounds can be given as dates: the first hour of a day, and a month by its first day. */
function dimension(it: Exclude<CheckedPartitions, { kind: 'multi' }>): Dimension {
  if (it.kind === 'static') return it;
  const { start, end, ...rest } = it;
  const [from, to] = [start, end].map((bound) => (bound === undefined ? undefined : keyOfDate(it.kind, bound)));
  return { ...rest, start: from ?? start, ...(to === undefined ? {} : { end: to }) };
}

/** Without fields that were set to undefined: the same as leaving them out. */
function written<T extends object>(it: T): Written<T> {
  return Object.fromEntries(Object.entries(it).filter(([, value]) => value !== undefined)) as Written<T>;
}

const writtenEach = <T extends object>(all: Readonly<Record<string, T>>): Readonly<Record<string, Written<T>>> =>
  Object.fromEntries(Object.entries(all).map(([name, it]) => [name, written(it)]));

type Written<T> = { [Field in keyof T]: Exclude<T[Field], undefined> };

function freshnessLimits(freshness: NonNullable<LoadedAsset['freshness']>): FreshnessLimits {
  return { warnAfterMs: parseDuration(freshness.warnAfter) ?? 0, failAfterMs: parseDuration(freshness.failAfter) ?? 0 };
}
