// Publishes a computed step in one transaction: rows, records, positions and what changed become visible together. ⚠ One publish
// at a time, of any asset: two would number their records alike.

import { randomUUID } from 'node:crypto';
import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import { outputsOf } from '../../../../workflows/model/asset/partitioning.ts';
import type { Materialization } from '../../../../workflows/model/asset/record.ts';
import { isoFromMicros } from '../../../../workflows/model/commit-time.ts';
import { literal, qualified, quoted } from '../identifier.ts';
import { ownPlace } from '../merge/touched-sql.ts';
import { placeOfKeySql, placeSql } from '../partition-sql.ts';
import { endStep, isOpen, outcomeOf } from '../runs/step-record.ts';
import type { DuckDbSession } from '../session.ts';
import { codeVersionOf } from './asset-sql.ts';
import { readyAssets } from './assets.ts';
import { newestRecord, noteAudit } from './check-result.ts';
import type { StagedStep } from './compute.ts';
import { newestNumber } from './inputs.ts';
import { columnsOf, type StepWork } from './plan.ts';
import { writeRecords } from './records.ts';
import { CHANGED, changedRows, LEFT_OUT, PLANNED } from './staging.ts';

/**
 * A planned step ends in the same transaction.
 * @returns the new records; null when another step of the asset has published one of its partitions since this one was computed,
 * or this one has ended. Then nothing is changed, because the computed rows may be older than the published ones: compute again
 * what is still due.
 */
export async function publishStep(
  session: DuckDbSession,
  order: StepWork,
  staged: StagedStep,
): Promise<readonly Materialization[] | null> {
  return await session.transaction(async () => {
    const { asset, step } = order;
    if ((await isOvertaken(session, asset, staged)) || (step !== null && !(await isOpen(session, step)))) return null;
    const after = await newestNumber(session);
    const { partitions, withheld } = staged;
    // A table that would be made again stays as it is until all of it can be published.
    if (partitions.length > 0 || withheld.length === 0) await replaceRows(session, asset, staged);
    const records = recordsOf(order, staged);
    await writeRecords(session, records, after);
    await notePartitions(session, order, staged, after);
    await noteChanges(session, asset, after);
    // Checks that saw no rows have found nothing.
    if (partitions.length + withheld.length > 0) await noteAudit(session, order, withheld);
    if (step !== null) {
      endStep(session, step, outcomeOf(asset.key, records, staged), order.run.attempt, staged.startedAt);
    }
    return records;
  });
}

/**
 * A partition that was planned has another record than the plan saw, the asset has other code, or its table has been made since:
 * ⚠ made once more, it would lose what others have published. Blocking checks have seen the
 * whole table: for them, any other record of the asset.
 */
async function isOvertaken(session: DuckDbSession, asset: DerivedAsset, staged: StagedStep): Promise<boolean> {
  const { checkedUpTo, columns } = staged;
  if ((await readyAssets(session, [asset])).length === 0) return true;
  if ((await columnsOf(session, asset.place)) !== columns) return true;
  if (checkedUpTo !== null && (await newestRecord(session, asset.key)) !== checkedUpTo) return true;
  const newer = await session.rows(
    `select 1 from temp.main.${PLANNED} planned
     left join (from _walflow.partitions where asset = ${literal(asset.key)}) known
       on known.partition is not distinct from planned.partition
     where known.no is distinct from planned.no limit 1`,
  );
  return newer.length > 0;
}

async function replaceRows(session: DuckDbSession, asset: DerivedAsset, { reshaped }: StagedStep): Promise<void> {
  const target = qualified(asset.place);
  const { partitions } = asset.definition;
  if (reshaped) {
    await session.run(`create schema if not exists ${quoted(asset.place.schema)}`);
    await session.run(`create or replace table ${target} as ${changedRows}`);
    return;
  }
  const replaced =
    partitions === undefined
      ? `exists (from temp.main.${CHANGED})`
      : `${placeSql(partitions, outputsOf(partitions).map(quoted))} in
         (select ${placeOfKeySql(partitions, 'partition')} from temp.main.${CHANGED})`;
  await session.run(`delete from ${target} where ${replaced}`);
  await session.run(`insert into ${target} ${changedRows}`);
}

function recordsOf({ asset, run }: StepWork, staged: StagedStep): readonly Materialization[] {
  // In the form that the catalog returns, so that a record is the same in lake and warehouse.
  const at = isoFromMicros(Date.now() * 1000);
  const codeVersion = codeVersionOf(asset.definition);
  const { startedAt } = staged;
  return staged.partitions.map(({ partition, rows, unchanged, inputs }) => ({
    ...{ id: randomUUID(), asset: asset.key, partition, at, startedAt, rows, inputs, codeVersion },
    ...(unchanged ? { unchanged } : {}),
    ...run,
  }));
}

/** The newest record of each partition, and up to where the inputs were searched for new ones. */
async function notePartitions(
  session: DuckDbSession,
  { asset, run }: StepWork,
  { positions, startedAt, partitions, shared }: StagedStep,
  after: number,
): Promise<void> {
  const names = positions.map(({ asset: input }) => literal(input)).join(', ');
  const versions = positions.map(({ version }) => version).join(', ');
  const read = `map([${names}]::VARCHAR[], [${versions}]::BIGINT[]) as positions,
    ${literal(codeVersionOf(asset.definition))} as code_version, ${literal(run.runId)} as run_id,
    ${literal(startedAt)}::TIMESTAMPTZ as computed_at`;
  await session.run(
    `delete from _walflow.partitions where asset = ${literal(asset.key)} and exists (
       from temp.main.${PLANNED} planned where planned.partition is not distinct from partitions.partition)`,
  );
  await session.run(
    `insert into _walflow.partitions by name
     select record.asset, record.partition, record.no,
       case when record.unchanged then planned.version else record.no end as version, ${read}
     from _walflow.materializations record join temp.main.${PLANNED} planned
       on planned.partition is not distinct from record.partition
     where record.asset = ${literal(asset.key)} and record.no > ${after}`,
  );
  if (asset.definition.partitions === undefined) return;
  const searchNo = after + partitions.length + 1;
  await session.run(
    `insert into _walflow.partitions by name
     select ${literal(asset.key)} as asset, null as partition, ${searchNo} as no, ${searchNo} as version, ${read}
     from temp.main.${PLANNED} where partition is null`,
  );
  const searched = await session.rows(`select 1 from temp.main.${PLANNED} where partition is null limit 1`);
  if (shared && searched.length > 0) await noteLeftOut(session, asset.key, startedAt);
}

/** ⚠ What was searched is not searched again: a partition that was left to another run is known from now on, whatever comes of it. */
async function noteLeftOut(session: DuckDbSession, asset: string, startedAt: string): Promise<void> {
  await session.run(
    `insert into _walflow.partitions by name
     select ${literal(asset)} as asset, partition, 0 as no, 0 as version, map([]::VARCHAR[], []::BIGINT[]) as positions,
       '' as code_version, '' as run_id, ${literal(startedAt)}::TIMESTAMPTZ as computed_at
     from temp.main.${LEFT_OUT} other where not exists (
       from _walflow.partitions known where known.asset = ${literal(asset)} and known.partition = other.partition)`,
  );
}

/** What readers of the asset lack now. */
async function noteChanges(session: DuckDbSession, { key, definition }: DerivedAsset, after: number): Promise<void> {
  const isSearch = definition.partitions === undefined ? '' : 'and partition is not null';
  await session.run(
    `insert into _walflow.touched
     select ${literal(key)}, ${literal(ownPlace(definition))}, partition, version, now()
     from _walflow.partitions where asset = ${literal(key)} and version > ${after} ${isSearch}`,
  );
}
