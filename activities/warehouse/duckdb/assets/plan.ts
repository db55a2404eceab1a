// Plans a step of an asset: the partitions that are due, as its transaction sees them. Creates PLANNED and an empty STAGED.

import type { AssetEdge, DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../../../workflows/model/asset/partition.ts';
import { firstKey, listedKeys } from '../../../../workflows/model/asset/partitioning.ts';
import type { TableName } from '../../../../workflows/model/relation.ts';
import { literal, qualified, quoted } from '../identifier.ts';
import { mappedKeysSql } from '../mapping-sql.ts';
import { type Bound, keySql, placeSql } from '../partition-sql.ts';
import type { DuckDbSession } from '../session.ts';
import { assetSelect } from './asset-sql.ts';
import { readyAssets } from './assets.ts';
import { type InputPosition, readPositions } from './inputs.ts';
import { PLANNED, STAGED, STAGED_PARTITION } from './staging.ts';
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
}

const STAGED_PLACE: TableName = { schema: 'main', name: STAGED };

/** What a step is planned for. */
interface StepOrder {
  readonly asset: DerivedAsset;
  readonly bound: Bound;
  /** A partition that this very run has published is not computed again: its activity was only repeated. */
  readonly runId: string;
}

/**
 * Runs in the transaction of the computation.
 * @returns null when nothing is due.
 */
export async function planStep(session: DuckDbSession, { asset, bound, runId }: StepOrder): Promise<StepPlan | null> {
  // Another code is for the run that has it.
  if ((await readyAssets(session, [asset])).length === 0) return null;
  await session.run(
    `create or replace temp table ${PLANNED} as select partition, no, version from (${statesSql([asset])})
     where state <> 'current' and run_id is distinct from ${literal(runId)}`,
  );
  const [due] = await session.rows<{ all: string; search: boolean | null }>(
    `select count(*) as "all", bool_or(partition is null) as search from temp.main.${PLANNED}`,
  );
  if (due === undefined || due.all === '0') return null;
  const reshaped = (await makeStaging(session, asset, bound)) !== (await columnsOf(session, asset.place));
  for (const sql of widenSql(asset, due.search === true, reshaped)) await session.run(sql);
  const searched = asset.definition.partitions === undefined ? '' : 'where planned.partition is not null';
  const partitions = await session.rows<PlannedPartition>(
    // Shorter keys first: days in years with more than four digits are later.
    `select planned.partition, last.inputs from temp.main.${PLANNED} planned
     left join _walflow.materializations last on last.asset = ${literal(asset.key)} and last.no = planned.no
     ${searched} order by length(planned.partition), planned.partition`,
  );
  return { partitions, positions: await readPositions(session, asset), reshaped };
}

/** Name and type of every column, in order; null if the table does not exist. */
async function columnsOf(session: DuckDbSession, { schema, name }: TableName): Promise<string | null> {
  const columns = await session.rows<{ text: string }>(
    `select column_name || ' ' || data_type as text from duckdb_columns()
     where lower(schema_name) = lower($1) and lower(table_name) = lower($2) and column_name <> '${STAGED_PARTITION}'
     order by column_index`,
    [schema, name],
  );
  return columns.length === 0 ? null : columns.map(({ text }) => text).join(', ');
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

/** Adds what is due only now: all partitions if the table is made again, and those found in the inputs by a search. */
function widenSql(asset: DerivedAsset, search: boolean, reshaped: boolean): readonly string[] {
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
  const searched = `select distinct partition, null::BIGINT as no, 0 as version from (${found.join(' union all ')})
    where partition is not null`;
  return [
    ...(reshaped ? [add(statesSql([asset]))] : []),
    ...((reshaped || search) && found.length > 0 ? [add(searched)] : []),
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
