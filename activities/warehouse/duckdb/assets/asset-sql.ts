// Makes the SQL of a derived asset runnable: a dependency becomes its table, `{start}` and `{end}` become the bounds of the
// partition.

import { createHash } from 'node:crypto';
import type { AssetDefinition, LoadedAsset } from '../../../../workflows/model/asset/definition.ts';
import { type Dependency, dependencyOf } from '../../../../workflows/model/asset/dependency.ts';
import type { DerivedAsset, SqlPart, ViewAsset } from '../../../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../../../workflows/model/asset/partition.ts';
import { piecesOf, placeholderName } from '../../../../workflows/model/asset/placeholder.ts';
import { zoneOf } from '../../../../workflows/model/asset/time-partition.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import { literal, qualified } from '../identifier.ts';
import { type Bound, boundSql } from '../partition-sql.ts';
import { seedSelect } from './seed-sql.ts';

/** The partition of which rows are selected. */
export interface SelectedPartition {
  readonly key: PartitionKey;
  /** How `{start}` and `{end}` are written. */
  readonly bound: Bound;
}

/** A SELECT of the asset's rows, or those of one partition if it has partitions. */
export function assetSelect({ sql, definition }: DerivedAsset | ViewAsset, selected: SelectedPartition | null): string {
  if (definition.seed !== undefined) return seedSelect(definition.seed);
  const text = sql.map((part) => partSql(part, definition.partitions, selected)).join('');
  // On separate lines: a comment at the end of the SQL must not swallow the bracket.
  return `select * from (\n${text.trim().replace(/;$/, '')}\n)`;
}

function partSql(part: SqlPart, partitions: AssetDefinition['partitions'], selected: SelectedPartition | null): string {
  if (part.tag === 'text') return part.text;
  if (part.tag === 'input') return qualified(part.place);
  if (partitions === undefined || selected === null) {
    throw new WalflowError('ASSET_INVALID', `{${part.tag}} without a partition`);
  }
  if (part.tag === 'partition') return literal(selected.key);
  return boundSql(partitions, selected.key, part.tag, selected.bound);
}

/**
 * Twelve hex digits, a hash of everything that decides the asset's rows. ⚠ Warehouse files know assets by it: in another form
 * every asset would be due after an upgrade.
 */
export function codeVersionOf(asset: LoadedAsset): string {
  const { deps, partitions, table, views = [], seed } = asset;
  const inputs = deps.map(dependencyOf);
  const code: unknown[] = [sqlCode(asset), depsCode(asset), partitionsCode(inputs, partitions), table ?? null];
  if (seed !== undefined) code.push([seed.hash, seed.format, seed.columns ?? {}, seed.delimiter]);
  // What a view reads makes its rows, where it is does not.
  for (const view of views) code.push([view.previousKeys?.[0] ?? view.key, sqlCode(view), depsCode(view)]);
  return createHash('sha256').update(JSON.stringify(code)).digest('hex').slice(0, 12);
}

/** The SQL, in which everything that is read has its first key: a rename is no other code. */
function sqlCode({ sql, firstKeys }: LoadedAsset): string {
  if (firstKeys === undefined) return sql;
  const names = new Map(
    Object.entries(firstKeys).map(([key, first]) => [placeholderName(key), placeholderName(first)]),
  );
  return piecesOf(sql)
    .map((piece) => (piece.tag === 'text' ? piece.text : `{${names.get(piece.name) ?? piece.name}}`))
    .join('');
}

const depsCode = ({ deps, firstKeys = {} }: LoadedAsset) =>
  deps.map(dependencyOf).map(({ key }) => firstKeys[key] ?? key);

function partitionsCode(inputs: readonly Dependency[], partitions: AssetDefinition['partitions']) {
  if (partitions === undefined) return null;
  const columns = inputs.flatMap(({ by }) => (by === undefined ? [] : [by]));
  const dep = columns.length === 1 ? columns[0] : columns;
  const zones = inputs.flatMap(({ by, zone }) => (by === undefined ? [] : (zone ?? 'UTC')));
  const inUtc = zones.every((zone) => zone === 'UTC');
  if (partitions.kind === 'static' || partitions.kind === 'multi') return { ...partitions, dep, zones };
  const { kind, start, end, output } = partitions;
  return {
    ...{ kind, start, dep, output },
    ...(end === undefined ? {} : { end }),
    ...(inUtc && zoneOf(partitions) === 'UTC' ? {} : { zones: [zoneOf(partitions), ...zones] }),
  };
}
