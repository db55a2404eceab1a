// The SQL of a derived asset made runnable: `{dep}` becomes the dependency's table, `{start}` and `{end}` the half-open
// range of the partition.

import { createHash } from 'node:crypto';
import { type AssetDefinition, assetTable, parseCapturedKey } from '../../../../workflows/model/asset.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import { parseTableId } from '../../../../workflows/model/relation.ts';
import { qualified, type TableName } from '../identifier.ts';

/** A dependency and the table that holds it. */
export type AssetInput =
  | {
      readonly tag: 'captured';
      readonly key: string;
      readonly pipeline: string;
      readonly table: string;
      readonly place: TableName;
    }
  | { readonly tag: 'derived'; readonly key: string; readonly place: TableName };

/** One UTC day, `YYYY-MM-DD`. */
export type Day = string;

const DAY_MS = 86_400_000;

/**
 * Where each dependency of an asset is found.
 * @throws WalflowError ASSET_INVALID for a dependency that is neither captured nor declared.
 */
export function assetInputs(
  asset: AssetDefinition,
  assets: readonly AssetDefinition[],
  pipelines: ReadonlySet<string>,
): readonly AssetInput[] {
  return asset.deps.map((key): AssetInput => {
    const captured = parseCapturedKey(key, pipelines);
    const place = captured === null ? null : parseTableId(captured.table);
    if (captured !== null && place !== null) return { tag: 'captured', key, ...captured, place };
    const derived = assets.find((other) => other.key === key);
    if (derived === undefined)
      throw new WalflowError('ASSET_INVALID', `${asset.key} depends on ${key}, which is nothing known`);
    return { tag: 'derived', key, place: assetTable(derived) };
  });
}

/**
 * A SELECT of the asset's rows, of one day of a daily asset.
 * @throws WalflowError ASSET_INVALID when the SQL names something that is no dependency.
 */
export function assetSelect(asset: AssetDefinition, inputs: readonly AssetInput[], day: Day | null): string {
  const known = new Map(inputs.map((input) => [input.key, qualified(input.place)]));
  if (day !== null) {
    known.set('start', instant(day, 0));
    known.set('end', instant(day, DAY_MS));
  }
  // A struct literal such as {'a': 1} holds a quote or a colon and is left alone.
  const sql = asset.sql
    .trim()
    .replace(/;$/, '')
    .replaceAll(/\{([\w./%-]+)\}/g, (token, name: string) => {
      const replacement = known.get(name);
      if (replacement === undefined)
        throw new WalflowError('ASSET_INVALID', `the SQL of ${asset.key} names ${token}, which is not among its deps`);
      return replacement;
    });
  // On lines of their own: a comment at the end of the SQL must not swallow the bracket.
  return `select * from (\n${sql}\n)`;
}

/** Twelve hex digits over everything that decides the asset's rows. */
export function codeVersionOf(asset: AssetDefinition): string {
  const code = [asset.sql, asset.deps, asset.partitions ?? null, asset.table ?? null];
  return createHash('sha256').update(JSON.stringify(code)).digest('hex').slice(0, 12);
}

function instant(day: Day, plusMs: number): string {
  const date = new Date(Date.parse(`${day}T00:00:00Z`) + plusMs).toISOString().slice(0, 10);
  return `TIMESTAMPTZ '${date} 00:00:00+00'`;
}
