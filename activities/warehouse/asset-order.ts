// What the warehouse is asked about derived assets, and what it answers.

import { type AssetDefinition, assetTable, parseCapturedKey } from '../../workflows/model/asset.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { parseTableId, type TableName } from '../../workflows/model/relation.ts';
import type { RunRef } from '../../workflows/model/run.ts';
import type { TouchRule } from './touch-rule.ts';

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

/** An asset with its dependencies found. */
export interface DeclaredAsset {
  readonly asset: AssetDefinition;
  readonly inputs: readonly AssetInput[];
}

export interface DueAsset {
  readonly asset: string;
  /** Manifest of the newest change it has not seen; 0 when only its code changed. */
  readonly seq: number;
}

export interface MaterializeOrder extends DeclaredAsset {
  /** Assets that read this one. */
  readonly downstream: readonly TouchRule[];
  readonly run: RunRef;
}

export interface MaterializationQuery {
  /** `YYYY-MM-DD`. */
  readonly partition?: string;
  readonly limit: number;
  /** Id of the last record of the page before. */
  readonly cursor?: string;
}

/** How a derived asset stands. */
export interface AssetFigures {
  /** Partitions that were materialized at least once; 1 or 0 for an asset without partitions. */
  readonly done: number;
  /** Partitions whose input changed since. */
  readonly stale: number;
  /** When the oldest change that is not in the asset was merged; ISO 8601 UTC, null when nothing is due. */
  readonly dueSince: string | null;
}

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
