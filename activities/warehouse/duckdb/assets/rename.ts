// Assets that have another key than before keep all they had: rows, records, versions, and what their readers know of them.
// ⚠ Part of the transaction that declares them: under its old key an asset would be left out, and be forgotten.

import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import { derivedPlace } from '../../../../workflows/model/asset/key.ts';
import { folded, literal, qualified, quoted } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';
import { tableExists, viewExists } from './existing.ts';
import { IS_VIEW } from './view-row.ts';

/** One whose own key is known already is left alone: it was renamed before. */
export async function renameAssets(session: DuckDbSession, assets: readonly DerivedAsset[]): Promise<void> {
  const moving = assets.filter(({ definition }) => definition.previousKeys !== undefined);
  if (moving.length === 0) return;
  const rows = await session.rows<{ asset: string }>(`select asset from _walflow.assets where not (${IS_VIEW})`);
  const known = new Set(rows.map(({ asset }) => asset));
  for (const asset of moving) {
    const before = asset.definition.previousKeys?.findLast((key) => known.has(key));
    if (before === undefined || known.has(asset.key)) continue;
    if (await moveTable(session, before, asset)) await renameRows(session, before, asset.key);
  }
}

/** @returns false if its new place is taken by a table that is not its own: then it is a new asset. */
async function moveTable(session: DuckDbSession, before: string, asset: DerivedAsset): Promise<boolean> {
  const { place, definition } = asset;
  const from = derivedPlace({ ...definition, key: before });
  if (folded(from) === folded(place) || !(await tableExists(session, from))) return true;
  if (!(await clearPlace(session, asset))) return false;
  await session.run(`create schema if not exists ${quoted(place.schema)}`);
  await session.run(`create table ${qualified(place)} as from ${qualified(from)}`);
  await session.run(`drop table ${qualified(from)}`);
  return true;
}

/** ⚠ What an asset or view of the same key has left there is not what this one has made: its rows must not pass for current. */
async function clearPlace(session: DuckDbSession, { key, place }: DerivedAsset): Promise<boolean> {
  if (await viewExists(session, place)) {
    await session.run(`drop view ${qualified(place)}`);
    await session.run(`delete from _walflow.assets where asset = ${literal(key)} and ${IS_VIEW}`);
  }
  if (!(await tableExists(session, place))) return true;
  const made = await session.rows(`select 1 from _walflow.materializations where asset = ${literal(key)} limit 1`);
  if (made.length === 0) return false;
  await session.run(`drop table ${qualified(place)}`);
  return true;
}

async function renameRows(session: DuckDbSession, before: string, key: string): Promise<void> {
  const [old, now] = [literal(before), literal(key)];
  const tables = await session.rows<{ name: string }>(
    `select table_name as name from duckdb_columns() where schema_name = '_walflow' and column_name = 'asset'`,
  );
  for (const { name } of tables) {
    await session.run(`update _walflow.${quoted(name)} set asset = ${now} where asset = ${old}`);
  }
  await session.run(`update _walflow.touched set source = ${now} where source = ${old}`);
  await session.run(
    `update _walflow.partitions set positions = map_from_entries(list_transform(map_entries(positions),
       lambda one: {'k': case when one.key = ${old} then ${now} else one.key end, 'v': one.value}))
     where map_contains(positions, ${old})`,
  );
  // So that the next record of a reader goes on where this one ended.
  const named = (name: string) => literal(`"asset":${JSON.stringify(name)}`);
  await session.run(
    `update _walflow.materializations set inputs = replace(inputs::VARCHAR, ${named(before)}, ${named(key)})::JSON
     where contains(inputs::VARCHAR, ${named(before)})`,
  );
}
