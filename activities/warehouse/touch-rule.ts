// Which assets a change of a table makes due. A daily asset is due for the days its rows left and the days they came to;
// any other asset is due as a whole.

import type { AssetDefinition } from '../../workflows/model/asset.ts';
import { parseCapturedKey } from '../../workflows/model/asset.ts';

export interface TouchRule {
  readonly asset: string;
  /** Captured table id, or key of the derived asset that changes. */
  readonly table: string;
  /** Date or timestamp column whose UTC days are touched; null = the whole asset. */
  readonly column: string | null;
  /** First day that counts, `YYYY-MM-DD`; null with `column` null. */
  readonly start: string | null;
}

/** The rules of every asset that reads captured tables of `pipeline`. */
export function touchRules(
  assets: readonly AssetDefinition[],
  pipeline: string,
  pipelines: ReadonlySet<string>,
): readonly TouchRule[] {
  return assets.flatMap((asset) =>
    asset.deps.flatMap((dep) => {
      const captured = parseCapturedKey(dep, pipelines);
      return captured?.pipeline === pipeline ? [ruleOf(asset, captured.table)] : [];
    }),
  );
}

/** The rules of every asset that reads the derived asset `key`. */
export function downstreamRules(assets: readonly AssetDefinition[], key: string): readonly TouchRule[] {
  return assets.filter((asset) => asset.deps.includes(key)).map((asset) => ruleOf(asset, key));
}

/** Only a daily asset with one input knows which of its days a changed row belongs to. */
function ruleOf(asset: AssetDefinition, table: string): TouchRule {
  const daily = asset.deps.length === 1 ? asset.partitions : undefined;
  return { asset: asset.key, table, column: daily?.dep ?? null, start: daily?.start ?? null };
}
