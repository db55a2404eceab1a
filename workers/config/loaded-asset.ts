// From assets as they are written to assets as everything else uses them: SQL read from files, dependencies from SQL, defaults
// of groups filled in, durations in milliseconds. Pure, but for the files that the origin reads.

import { relative, resolve } from 'node:path';
import type { FreshnessLimits, LoadedAsset, LoadedCaptured } from '../../workflows/model/asset/definition.ts';
import type { Dimension, Partitions } from '../../workflows/model/asset/partitioning.ts';
import { keysIn } from '../../workflows/model/asset/placeholder.ts';
import { keyOfDate } from '../../workflows/model/asset/time-partition.ts';
import { parseDuration } from './duration.ts';
import type { CheckedConfig } from './field.ts';
import { groupDefaults } from './group-rules.ts';
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

type Made = Checked<'derived' | 'view'>;

export function loadAssets(config: Pick<CheckedConfig, 'assets' | 'groups'>, origin: Origin): LoadedAssets {
  const listed = config.assets.map((it, i) => ({ it, path: `assets[${i}]` }));
  const captured = listed.flatMap(({ it, path }) => (it.kind === 'captured' ? [{ it, path }] : []));
  const made = listed.flatMap(({ it, path }) => (it.kind === 'captured' ? [] : [{ it, path }]));
  const problems: Problem[] = [];
  const files = new Set<string>();
  const sqlOf = ({ sql }: Made, path: string) => {
    if (typeof sql === 'string') return sql;
    const file = resolve(origin.folder, sql.path);
    files.add(file);
    const text = origin.files.text(file);
    if (text !== null && text.trim() !== '') return text;
    problems.push({ path: `${path}.sql.path`, ...fileProblem(sql.path, text, origin) });
    return null;
  };
  const loaded = made.flatMap(({ it, path }) => {
    const sql = sqlOf(it, path);
    return sql === null ? [] : [{ path, asset: loadedAsset(it, sql, groupDefaults(config.groups, it.key)) }];
  });
  return {
    assets: loaded.map(({ asset }) => asset),
    paths: loaded.map(({ path }) => path),
    described: captured.map(({ it }) => loadedCaptured(it, groupDefaults(config.groups, it.key))),
    describedPaths: captured.map(({ path }) => path),
    files: [...files],
    problems,
  };
}

function fileProblem(path: string, text: string | null, { folder, files }: Origin): Omit<Problem, 'path'> {
  if (text !== null) return { what: `names file ${path}, which is empty`, fix: 'write the SQL into it' };
  const meant = files.nearest(resolve(folder, path));
  const fix = meant === null ? 'paths are relative to the configuration' : `did you mean ${relative(folder, meant)}?`;
  return { what: `names file ${path}, which cannot be read`, fix };
}

function loadedAsset(it: Made, sql: string, defaults: GroupDefaults): LoadedAsset {
  const { key, deps, table } = it;
  return {
    key,
    sql,
    deps: deps === 'sql' ? keysIn(sql) : deps.map(written),
    ...(deps === 'sql' ? { depsFromSql: true } : {}),
    ...labels(it, defaults),
    ...(table === undefined ? {} : { table }),
    ...(it.kind === 'view' ? { kind: it.kind } : { ...freshness(it, defaults), ...computed(it, defaults) }),
  };
}

/** How rows are computed that are stored. */
function computed({ partitions, automation: own }: Checked<'derived'>, defaults: GroupDefaults) {
  const automation = own ?? defaults.automation;
  return {
    ...(partitions === undefined ? {} : { partitions: division(partitions) }),
    ...(automation === undefined ? {} : { automation, everyMs: parseDuration(automation.every) ?? 0 }),
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

type Written<T> = { [Field in keyof T]: Exclude<T[Field], undefined> };

function freshnessLimits(freshness: NonNullable<LoadedAsset['freshness']>): FreshnessLimits {
  return { warnAfterMs: parseDuration(freshness.warnAfter) ?? 0, failAfterMs: parseDuration(freshness.failAfter) ?? 0 };
}
