// Plans a step of an asset: the partitions that are due, as its transaction sees them. Creates PLANNED and an empty STAGED.

import type { AssetEdge, DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../../../workflows/model/asset/partition.ts';
import { firstKey, listedKeys } from '../../../../workflows/model/asset/partitioning.ts';
import type { StepScope } from '../../../../workflows/model/asset/run.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import type { TableName } from '../../../../workflows/model/relation.ts';
import type { RunRef } from '../../../../workflows/model/run.ts';
import type { StepRef } from '../../run-order.ts';
import { literal, qualified, quoted } from '../identifier.ts';
import { mappedKeysSql } from '../mapping-sql.ts';
import { type Bound, keySql, placeSql } from '../partition-sql.ts';
import { eagerSql } from '../runs/eager-sql.ts';
import type { DuckDbSession } from '../session.ts';
import { assetSelect } from './asset-sql.ts';
import { readyAssets } from './assets.ts';
import { columnTypes } from './column-type.ts';
import { type InputPosition, readPositions } from './inputs.ts';
import { LEFT_OUT, PLANNED, STAGED, STAGED_PARTITION } from './staging.ts';
import { statesSql } from './staleness-sql.ts';

export interface PlannedPartition {
  /** Null = the whole of an asset without partitions. */
  readonly partition: PartitionKey | null;
  /** Inputs of its newest record, as JSON; null without one. */
  readonly inputs: string | null;
}

export interface StepPlan {
  /** None if the inputs were searched for new partitions, and have none. */
  readonly partitions: readonly PlannedPartition[];
  /** Positions of the asset's inputs. */
  readonly positions: readonly InputPosition[];
  /** The SQL yields other columns than the published table has: the table is made again, with every partition. */
  readonly reshaped: boolean;
  /** What the published table looked like to this step, as `columnsOf` says it. */
  readonly columns: string | null;
  /** Some partitions are left to another run. */
  readonly shared: boolean;
}

const STAGED_PLACE: TableName = { schema: 'main', name: STAGED };

/** A step to compute and publish. */
export interface StepWork {
  readonly asset: DerivedAsset;
  /** Of the activity, for the records. */
  readonly run: RunRef;
  /** Null = all that is due, for a run that does not stand in the warehouse. */
  readonly step: ChosenStep | null;
}

/** A step as it was planned. */
export interface ChosenStep extends StepRef {
  readonly scope: StepScope;
  readonly nowMs: number;
}

/**
 * Runs in the transaction of the computation.
 * @returns null when nothing is due.
 */
export async function planStep(session: DuckDbSession, work: StepWork, bound: Bound): Promise<StepPlan | null> {
  const { asset, step } = work;
  if ((await readyAssets(session, [asset])).length === 0) {
    // Another code is for the run that has it. ⚠ To whom has named partitions "nothing to do" would say that they are there.
    if (step === null || step.scope === 'due') return null;
    throw new WalflowError(
      'ASSET_FAILED',
      `${asset.key} reads something that does not exist yet, or has other code by now`,
    );
  }
  await session.run(`create or replace temp table ${PLANNED} as ${chosenSql(work)}`);
  const isListed = step?.scope.startsWith('listed') === true;
  const elsewhere = plannedElsewhereSql(asset, step);
  const [due] = await session.rows<{ all: string; search: boolean | null; elsewhere: string }>(
    `select count(*) as "all", bool_or(partition is null) as search, (select count(*) ${elsewhere}) as elsewhere
     from temp.main.${PLANNED}`,
  );
  if (due === undefined || due.all === '0') return null;
  const before = await columnsOf(session, asset.place);
  const reshaped = (await makeStaging(session, asset, bound)) !== before;
  for (const sql of widenSql(asset, due.search === true, reshaped, isListed)) await session.run(sql);
  // A table that is made again holds every partition, whoever else computes them too.
  const shared = !(reshaped && before !== null) && !isListed && due.elsewhere !== '0';
  if (shared && (await leaveOut(session, elsewhere)) === 0) return null;
  const searched = asset.definition.partitions === undefined ? '' : 'where planned.partition is not null';
  const partitions = await session.rows<PlannedPartition>(
    // Shorter keys first: days in years with more than four digits are later.
    `select planned.partition, last.inputs from temp.main.${PLANNED} planned
     left join _walflow.materializations last on last.asset = ${literal(asset.key)} and last.no = planned.no
     ${searched} order by length(planned.partition), planned.partition`,
  );
  return { partitions, positions: await readPositions(session, asset), reshaped, columns: before, shared };
}

/** SELECT partition, no, version: what the step computes, but for what a search finds. */
function chosenSql({ asset, run, step }: StepWork): string {
  const states = statesSql([asset]);
  const columns = 'select partition, no, version from';
  // A partition that this very run has published is not computed again: its activity was only repeated.
  if (step === null) {
    return `${columns} (${states}) where state <> 'current' and run_id is distinct from ${literal(run.runId)}`;
  }
  if (step.scope === 'due') return `${columns} (${states}) where ${eagerSql([asset], step.nowMs)}`;
  if (step.scope === 'stale') return `${columns} (${states}) where state <> 'current'`;
  const wanted = { listed: 'true', 'listed-stale': `state = 'stale'`, 'listed-missing': `state = 'missing'` };
  return `select partition, no, coalesce(version, 0) as version
    from (select planned.partition, states.no, states.version, coalesce(states.state, 'missing') as state
      from (from _walflow.planned where run = ${literal(step.run)} and no = ${step.no}) planned
      left join (${states}) states on states.partition is not distinct from planned.partition)
    where ${wanted[step.scope]}`;
}

/** ⚠ Partitions that a step of another run has on its list are left to it. */
const plannedElsewhereSql = ({ key }: DerivedAsset, step: ChosenStep | null) =>
  `from _walflow.planned other where asset = ${literal(key)} and run is distinct from ${step === null ? 'null' : literal(step.run)}`;

/**
 * Makes LEFT_OUT: a search may have found these, and does not find them again.
 * @returns how many are left to compute
 */
async function leaveOut(session: DuckDbSession, elsewhere: string): Promise<number> {
  await session.run(`create or replace temp table ${LEFT_OUT} as select distinct partition ${elsewhere}`);
  await session.run(
    `delete from temp.main.${PLANNED} planned where exists (
       from temp.main.${LEFT_OUT} other where other.partition is not distinct from planned.partition)`,
  );
  const [left] = await session.rows<{ count: string }>(`select count(*) as count from temp.main.${PLANNED}`);
  return Number(left?.count ?? 0);
}

/** Name and type of every column, in order; null if the table does not exist. */
export async function columnsOf(session: DuckDbSession, place: TableName): Promise<string | null> {
  const columns = (await columnTypes(session, place)).filter(({ name }) => name !== STAGED_PARTITION);
  return columns.length === 0 ? null : columns.map(({ name, type }) => `${name} ${type}`).join(', ');
}

/** An empty table with the types that the asset's SQL yields. */
async function makeStaging(session: DuckDbSession, asset: DerivedAsset, bound: Bound): Promise<string | null> {
  const { partitions } = asset.definition;
  const key = partitions === undefined ? undefined : firstKey(partitions);
  const sample = assetSelect(asset, key === undefined ? null : { key, bound });
  await session.run(
    `create or replace temp table ${STAGED} as
     select null::VARCHAR as ${STAGED_PARTITION}, * from (${sample}) limit 0`,
  );
  return await columnsOf(session, STAGED_PLACE);
}

/**
 * Adds what is due only now: all partitions if the table is made again, and those found in the inputs by a search. To a list only
 * what would be lost with the old table is added.
 */
function widenSql(asset: DerivedAsset, search: boolean, reshaped: boolean, isListed: boolean): readonly string[] {
  const { partitions } = asset.definition;
  if (partitions === undefined) return [];
  const add = (rows: string) =>
    `insert into temp.main.${PLANNED} select partition, no, version from (${rows}) more
     where not exists (from temp.main.${PLANNED} planned where planned.partition is not distinct from more.partition)`;
  const listed = listedKeys(partitions);
  const found = [
    ...asset.inputs.flatMap((edge) => touchedKeysSql(edge) ?? []),
    ...(listed === null ? [] : [`select unnest([${listed.map(literal).join(', ')}]) as partition`]),
  ];
  const searched = `select distinct partition, null::BIGINT as no, 0 as version from (${found.join(' union all ')}) found
    where partition is not null and not exists (
      from _walflow.partitions known where known.asset = ${literal(asset.key)} and known.partition = found.partition)`;
  return [
    ...(reshaped
      ? [add(`from (${statesSql([asset])}) where ${isListed ? 'partition is not null and version > 0' : 'true'}`)]
      : []),
    ...((search || (reshaped && !isListed)) && found.length > 0 ? [add(searched)] : []),
  ];
}

/** SELECT: the partitions that rows of an input belong to; null if all rows concern all of them. */
function touchedKeysSql({ from, touch }: AssetEdge): string | null {
  if (touch.tag === 'whole' || touch.tag === 'none') return null;
  const columns = touch.columns.map(quoted);
  if (touch.tag === 'partitions') {
    const key = keySql(touch.partitions, placeSql(touch.partitions, columns, touch.zone));
    return `select ${key} as partition from ${qualified(from.place)}`;
  }
  const key = keySql(touch.from, placeSql(touch.from, columns));
  const keys = `select distinct ${key} as partition from ${qualified(from.place)}`;
  return `select unnest(${mappedKeysSql(touch, 'partition')}) as partition from (${keys})`;
}
