// The publish of a computed step, in one transaction: rows, records, cleared marks and the marks of its readers become
// visible together. ⚠ One at a time, whichever asset: two would both find their marks, and give records the same numbers.

import { randomUUID } from 'node:crypto';
import type { AssetEdge, DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { Materialization } from '../../../../workflows/model/asset/record.ts';
import { isoFromMicros } from '../../../../workflows/model/commit-time.ts';
import type { MaterializeOrder } from '../../asset-order.ts';
import { qualified, quoted } from '../identifier.ts';
import { markPartitionsSql, markWholeSql } from '../merge/touched-sql.ts';
import { keySql, placeOfKeySql, placeSql } from '../partition-sql.ts';
import type { DuckDbSession } from '../session.ts';
import { codeVersionOf } from './asset-sql.ts';
import type { StagedStep } from './compute.ts';
import { writeRecords } from './records.ts';
import { PLANNED, SEEN, stagedRows } from './staging.ts';

/**
 * @returns the new records; null when another step of the asset has published since this one took its snapshot: nothing
 * was changed, for the rows at hand may be older than those published. What is still due must be computed again.
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
    // Only what the snapshot saw: the mark of a merge that committed since stays.
    await session.run(`delete from _walflow.dirty_partitions where id in (select id from temp.main.${SEEN})`);
    for (const reader of order.readers) await markReader(session, asset, reader, staged);
    return records;
  });
}

/**
 * Every step clears the marks it saw, and a later snapshot sees all of an earlier one that nobody has cleared: so of two
 * steps that overlap, the second to publish misses a mark. ⚠ Records could not tell: a step that found a partition empty
 * since writes none for it.
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
         (select ${placeOfKeySql('partition')} from temp.main.${PLANNED})`;
  await session.run(`delete from ${target} where ${replaced}`);
  await session.run(`insert into ${target} ${stagedRows}`);
}

function recordsOf({ asset, run }: MaterializeOrder, staged: StagedStep): readonly Materialization[] {
  // In the form the catalog gives back: a record reads the same in lake and warehouse.
  const at = isoFromMicros(Date.now() * 1000);
  const codeVersion = codeVersionOf(asset.definition);
  const { startedAt } = staged;
  return staged.partitions.map(({ partition, rows, inputs }) => ({
    ...{ id: randomUUID(), asset: asset.key, partition, at, startedAt, rows, inputs, codeVersion },
    ...run,
  }));
}

/** A reader touched by partitions has the asset's own, from its first one on. A table made again may lack some it had. */
async function markReader(
  session: DuckDbSession,
  asset: DerivedAsset,
  { to, touch }: AssetEdge,
  { seq, startedAt, reshaped, partitions }: StagedStep,
): Promise<void> {
  if (partitions.length === 0 && !reshaped) return;
  const mark = { asset: to, cause: asset.key, seq, nowIso: startedAt };
  if (touch.tag === 'whole' || reshaped) {
    await session.run(markWholeSql(mark));
    return;
  }
  const key = keySql(placeSql(touch.partitions, placeOfKeySql('partition')));
  await session.run(markPartitionsSql(mark, `select ${key} as partition from temp.main.${PLANNED}`));
}
