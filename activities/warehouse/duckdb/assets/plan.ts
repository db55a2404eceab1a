// Plans a step of an asset: the partitions that are due, as its transaction sees them. Creates SEEN, PLANNED and an empty
// STAGED.

import type { AssetEdge, DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../../../workflows/model/asset/partition.ts';
import type { TableName } from '../../../../workflows/model/relation.ts';
import { literal, qualified, quoted } from '../identifier.ts';
import { type Bound, keySql, mappedKeysSql, placeSql } from '../partition-sql.ts';
import type { DuckDbSession } from '../session.ts';
import { assetSelect, codeVersionOf } from './asset-sql.ts';
import { type InputPosition, readPositions } from './inputs.ts';
import { PLANNED, SEEN, STAGED, STAGED_PARTITION } from './staging.ts';

export interface PlannedPartition {
  /** Null = the whole of an asset without partitions. */
  readonly partition: PartitionKey | null;
  /** Inputs of its newest record, as JSON; null without one. */
  readonly inputs: string | null;
}

export interface StepPlan {
  /** None if the whole asset is marked but its inputs are empty; the marks are still cleared. */
  readonly partitions: readonly PlannedPartition[];
  /** Positions of the asset's inputs. */
  readonly positions: readonly InputPosition[];
  /** The SQL yields other columns than the published table has: the table is made again, with every partition. */
  readonly reshaped: boolean;
}

const STAGED_PLACE: TableName = { schema: 'main', name: STAGED };

/**
 * Runs in the transaction of the computation.
 * @returns null when nothing is due.
 */
export async function planStep(session: DuckDbSession, asset: DerivedAsset, bound: Bound): Promise<StepPlan | null> {
  await session.run(`create or replace temp table ${SEEN} as ${marksSql(asset)}`);
  const [marks] = await session.rows<{ all: string; whole: string }>(
    `select count(*) as "all", count(*) filter (where partition is null) as whole from temp.main.${SEEN}`,
  );
  if (marks === undefined || marks.all === '0') return null;
  const reshaped = (await makeStaging(session, asset, bound)) !== (await columnsOf(session, asset.place));
  await session.run(`create or replace temp table ${PLANNED} as ${plannedSql(asset, reshaped, marks.whole !== '0')}`);
  const partitions = await session.rows<PlannedPartition>(
    // Shorter keys first: days in years with more than four digits are later.
    `select partition, inputs from temp.main.${PLANNED} order by length(partition), partition`,
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

/** Marks for other code are left for the run that has that code. */
const marksSql = ({ key, definition }: DerivedAsset) =>
  `select id, partition from _walflow.dirty_partitions where asset in (
     select asset from _walflow.assets where asset = ${literal(key)} and code_version = '${codeVersionOf(definition)}')`;

/** An empty table with the types that the asset's SQL yields. */
async function makeStaging(session: DuckDbSession, asset: DerivedAsset, bound: Bound): Promise<string | null> {
  const key = asset.definition.partitions?.start;
  const sample = assetSelect(asset, key === undefined ? null : { key, bound });
  await session.run(
    `create or replace temp table ${STAGED} as
     select null::VARCHAR as ${STAGED_PARTITION}, * from (${sample}) limit 0`,
  );
  return await columnsOf(session, STAGED_PLACE);
}

/** The partitions to compute, each with its newest record. */
function plannedSql(asset: DerivedAsset, reshaped: boolean, whole: boolean): string {
  return `select due.partition, last.inputs
    from (${dueSql(asset, reshaped, whole)}) due left join (
      select partition, inputs from _walflow.materializations where asset = ${literal(asset.key)}
      qualify row_number() over (partition by partition order by no desc) = 1) last
    on last.partition is not distinct from due.partition`;
}

/** If the whole asset is marked or has a new shape: every partition of which an input or the result has rows. */
function dueSql(asset: DerivedAsset, reshaped: boolean, whole: boolean): string {
  const { partitions } = asset.definition;
  if (partitions === undefined) return 'select null::VARCHAR as partition';
  const sources = [`select partition from temp.main.${SEEN}`];
  if (whole || reshaped) sources.push(...asset.inputs.flatMap((edge) => touchedKeysSql(edge) ?? []));
  if (whole && !reshaped) {
    const key = keySql(partitions, placeSql(partitions, quoted(partitions.output)));
    sources.push(`select ${key} as partition from ${qualified(asset.place)}`);
  }
  return `select distinct partition from (${sources.join(' union all ')}) where partition is not null`;
}

/** SELECT: the partitions that rows of an input belong to; null if all rows concern all of them. */
function touchedKeysSql({ from, touch }: AssetEdge): string | null {
  if (touch.tag === 'whole' || touch.tag === 'none') return null;
  const column = quoted(touch.column);
  const keys =
    touch.tag === 'partitions'
      ? keySql(touch.partitions, placeSql(touch.partitions, column, touch.zone))
      : `unnest(${mappedKeysSql(touch, keySql(touch.from, placeSql(touch.from, column)))})`;
  return `select ${keys} as partition from ${qualified(from.place)}`;
}
