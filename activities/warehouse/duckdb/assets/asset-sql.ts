// The SQL of a derived asset made runnable: `{dep}` becomes the dependency's table, `{start}` and `{end}` the half-open
// range of the partition.

import { createHash } from 'node:crypto';
import type { AssetDefinition } from '../../../../workflows/model/asset.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import type { AssetInput } from '../../asset-order.ts';
import { qualified } from '../identifier.ts';

/** One UTC day, `YYYY-MM-DD`. */
export type Day = string;

const DAY_MS = 86_400_000;

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
