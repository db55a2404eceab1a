// Publishes a computed step in one transaction: rows, records, cleared marks and the marks of its readers become visible
// together. ⚠ One publish at a time, of any asset: two would both find their marks, and number their records alike.

import { randomUUID } from 'node:crypto';
import type { AssetEdge, DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { Materialization } from '../../../../workflows/model/asset/record.ts';
import { isoFromMicros } from '../../../../workflows/model/commit-time.ts';
import type { MaterializeOrder } from '../../asset-order.ts';
import { qualified, quoted } from '../identifier.ts';
import { markPartitionsSql, markWholeSql } from '../merge/touched-sql.ts';
import { mappedKeysSql, placeOfKeySql, placeSql } from '../partition-sql.ts';
import type { DuckDbSession } from '../session.ts';
import { codeVersionOf } from './asset-sql.ts';
import type { StagedStep } from './compute.ts';
import { writeRecords } from './records.ts';
import { PLANNED, SEEN, stagedRows } from './staging.ts';

/**
 * @returns the new records; null when another step of the asset has published since this one was computed. Then nothing is
 * changed, because the computed rows may be older than the published ones: compute again what is still due.
 */
export async function publishStep(
  session: DuckDbSession,
  order: MaterializeOrder,
  staged: StagedStep,
): Promise<readonly Materialization[] | null> {
  return await session.transaction(async () => {
    const { asset } = order;
    if (await isOvertaken(session)) return null;
    await replaceRows(session, asset, staged);
    const records = recordsOf(order, staged);
    await writeRecords(session, records);
    // Only marks that the computation saw: those of later merges stay.
    await session.run(`delete from _walflow.dirty_partitions where id in (select id from temp.main.${SEEN})`);
    for (const reader of order.readers) await markReader(session, asset, reader, staged);
    return records;
  });
}

/**
 * Every step clears the marks it saw, and a later step sees all earlier marks that are not cleared. So of two overlapping
 * steps the second to publish misses a mark. ⚠ Records would not show it: a step that finds a partition empty writes none.
 */
async function isOvertaken(session: DuckDbSession): Promise<boolean> {
  const gone = await session.rows(
    `select 1 from temp.main.${SEEN} where id not in (select id from _walflow.dirty_partitions) limit 1`,
  );
  return gone.length > 0;
}

async function replaceRows(session: DuckDbSession, asset: DerivedAsset, { reshaped }: StagedStep): Promise<void> {
  const target = qualified(asset.place);
  const { partitions } = asset.definition;
  if (reshaped) {
    await session.run(`create schema if not exists ${quoted(asset.place.schema)}`);
    await session.run(`create or replace table ${target} as ${stagedRows}`);
    return;
  }
  const replaced =
    partitions === undefined
      ? 'true'
      : `${placeSql(partitions, quoted(partitions.output))} in
         (select ${placeOfKeySql(partitions, 'partition')} from temp.main.${PLANNED})`;
  await session.run(`delete from ${target} where ${replaced}`);
  await session.run(`insert into ${target} ${stagedRows}`);
}

function recordsOf({ asset, run }: MaterializeOrder, staged: StagedStep): readonly Materialization[] {
  // In the form that the catalog returns, so that a record is the same in lake and warehouse.
  const at = isoFromMicros(Date.now() * 1000);
  const codeVersion = codeVersionOf(asset.definition);
  const { startedAt } = staged;
  return staged.partitions.map(({ partition, rows, inputs }) => ({
    ...{ id: randomUUID(), asset: asset.key, partition, at, startedAt, rows, inputs, codeVersion },
    ...run,
  }));
}

/** Marks a reader of the asset: its partitions that were computed, or the whole when the table was made again: it may lack some. */
async function markReader(
  session: DuckDbSession,
  asset: DerivedAsset,
  { to, touch }: AssetEdge,
  { seq, startedAt, reshaped, partitions }: StagedStep,
): Promise<void> {
  if (partitions.length === 0 && !reshaped) return;
  const mark = { asset: to, cause: asset.key, seq, nowIso: startedAt };
  if (touch.tag !== 'mapped' || reshaped) {
    await session.run(markWholeSql(mark));
    return;
  }
  const keys = `select unnest(${mappedKeysSql(touch, 'partition')}) as partition from temp.main.${PLANNED}`;
  await session.run(markPartitionsSql(mark, keys));
}
