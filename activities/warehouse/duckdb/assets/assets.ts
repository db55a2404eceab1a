// Which derived assets are declared, and which of them are due.

import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { DueAsset } from '../../asset-order.ts';
import type { DuckDbOwner } from '../client.ts';
import { folded } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';
import { codeVersionOf } from './asset-sql.ts';
import { endRests, forgetOtherRules } from './check-result.ts';
import { declarationOf } from './declaration.ts';
import { renameAssets } from './rename.ts';
import { statesSql } from './staleness-sql.ts';
import { IS_VIEW } from './view-row.ts';

interface DeclaredAsset {
  readonly asset: string;
  readonly code: string;
  readonly reads: string;
}

/**
 * Declares the assets of the configuration. One whose code changed is stale; a new one is missing, and so is one that reads
 * other inputs or by other partitions than before; one with another key is the same as before. One that is no longer declared is never due again, but its table stays.
 */
export async function declareAssets(
  owner: DuckDbOwner,
  assets: readonly DerivedAsset[],
  nowIso: string,
): Promise<void> {
  await owner.publishing.pass(() =>
    owner.use((session) =>
      session.transaction(async () => {
        await renameAssets(session, assets);
        const known = await session.rows<DeclaredAsset>(
          `select asset, code_version as code, reads from _walflow.assets where not (${IS_VIEW})`,
        );
        const keys = new Set(assets.map(({ key }) => key));
        for (const { asset } of known) if (!keys.has(asset)) await forget(session, asset, true);
        for (const asset of assets) {
          await declare(session, asset, known.find((one) => one.asset === asset.key) ?? null, nowIso);
        }
        await forgetOtherRules(session, assets);
      }),
    ),
  );
}

async function declare(
  session: DuckDbSession,
  asset: DerivedAsset,
  before: DeclaredAsset | null,
  nowIso: string,
): Promise<void> {
  const { code, reads } = declarationOf(asset);
  if (before?.code === code && before.reads === reads) return;
  if (before?.code === code && before.reads === '') {
    // An older catalog did not note what is read: the same code reads the same.
    await session.run('update _walflow.assets set reads = $2 where asset = $1', [asset.key, reads]);
    return;
  }
  await forget(session, asset.key, before?.reads !== reads);
  await endRests(session, asset.key);
  await session.run('insert into _walflow.assets values ($1, $2, $3::TIMESTAMPTZ, $4)', [
    ...[asset.key, code, nowIso, reads],
  ]);
}

async function forget(session: DuckDbSession, asset: string, withPartitions: boolean): Promise<void> {
  await session.run(`delete from _walflow.assets where asset = $1 and not (${IS_VIEW})`, [asset]);
  if (!withPartitions) return;
  for (const table of ['partitions', 'checks']) {
    await session.run(`delete from _walflow.${table} where asset = $1`, [asset]);
  }
}

/** Those of the assets with something to recompute whose inputs all exist, in their order. */
export async function dueAssets(owner: DuckDbOwner, assets: readonly DerivedAsset[]): Promise<readonly DueAsset[]> {
  return await owner.use(async (session) => {
    const ready = await readyAssets(session, assets);
    if (ready.length === 0) return [];
    const rows = await session.rows<{ asset: string; seq: string }>(
      `select asset, max(seq) as seq from (${statesSql(ready)}) where state <> 'current' group by asset`,
    );
    const seqs = new Map(rows.map(({ asset, seq }) => [asset, seq]));
    return ready.flatMap(({ key }) => {
      const seq = seqs.get(key);
      return seq === undefined ? [] : [{ asset: key, seq: Number(seq) }];
    });
  });
}

/** Assets that are declared as they are here, and of which everything that they read exists. */
export async function readyAssets(
  session: DuckDbSession,
  assets: readonly DerivedAsset[],
): Promise<readonly DerivedAsset[]> {
  const declared = await session.rows<DeclaredAsset>('select asset, code_version as code, reads from _walflow.assets');
  const codes = new Map(declared.map(({ asset, code }) => [asset, code]));
  const tables = await session.rows<{ schema: string; name: string }>(
    `select schema_name as schema, table_name as name from duckdb_tables() where schema_name <> '_walflow'
     union all select schema_name, view_name from duckdb_views() where not internal`,
  );
  const existing = new Set(tables.map(folded));
  return assets.filter(
    ({ key, definition, inputs, reads }) =>
      codes.get(key) === codeVersionOf(definition) &&
      [...inputs, ...reads].every(({ from }) => existing.has(folded(from.place))),
  );
}
