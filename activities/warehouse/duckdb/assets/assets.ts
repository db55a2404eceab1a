// Which derived assets are declared, and which of them are due.

import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { DueAsset } from '../../asset-order.ts';
import type { DuckDbOwner } from '../client.ts';
import { markWholeSql } from '../merge/touched-sql.ts';
import type { DuckDbSession } from '../session.ts';
import { codeVersionOf } from './asset-sql.ts';

/**
 * Declares the assets of the configuration. A new one, and one whose code changed, is due as a whole. One that is no longer
 * declared is never due again, but its table stays.
 */
export async function declareAssets(
  owner: DuckDbOwner,
  assets: readonly DerivedAsset[],
  nowIso: string,
): Promise<void> {
  await owner.publishing.pass(() =>
    owner.use((session) =>
      session.transaction(async () => {
        const known = await session.rows<{ asset: string; code: string }>(
          'select asset, code_version as code from _walflow.assets',
        );
        const keys = new Set(assets.map(({ key }) => key));
        for (const { asset } of known) if (!keys.has(asset)) await forget(session, asset);
        for (const asset of assets) {
          const code = known.find((one) => one.asset === asset.key)?.code;
          if (code !== codeVersionOf(asset.definition)) await declare(session, asset, nowIso);
        }
      }),
    ),
  );
}

async function declare(session: DuckDbSession, asset: DerivedAsset, nowIso: string): Promise<void> {
  await forget(session, asset.key);
  await session.run('insert into _walflow.assets values ($1, $2, $3::TIMESTAMPTZ)', [
    asset.key,
    codeVersionOf(asset.definition),
    nowIso,
  ]);
  for (const { from } of asset.inputs) {
    await session.run('insert into _walflow.asset_inputs values ($1, $2, $3)', [
      asset.key,
      from.place.schema,
      from.place.name,
    ]);
  }
  await session.run(markWholeSql({ asset: asset.key, cause: 'declared', seq: 0, nowIso }));
}

async function forget(session: DuckDbSession, asset: string): Promise<void> {
  for (const table of ['assets', 'asset_inputs', 'dirty_partitions']) {
    await session.run(`delete from _walflow.${table} where asset = $1`, [asset]);
  }
}

/** Assets with something to recompute whose inputs all exist. */
export async function dueAssets(owner: DuckDbOwner): Promise<readonly DueAsset[]> {
  const rows = await owner.use((session) =>
    session.rows<{ asset: string; seq: string }>(
      `select asset, max(seq) as seq from _walflow.dirty_partitions semi join _walflow.assets using (asset)
       where asset not in (
         select asset from _walflow.asset_inputs input
         where not exists (select 1 from duckdb_tables() t
           where lower(t.schema_name) = lower(input.schema_name) and lower(t.table_name) = lower(input.table_name)))
       group by asset order by asset`,
    ),
  );
  return rows.map(({ asset, seq }) => ({ asset, seq: Number(seq) }));
}
