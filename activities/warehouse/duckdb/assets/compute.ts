// Computes a step: one read transaction for all partitions of the step, into staging. Merges and publishes go on meanwhile;
// the transaction does not see what they commit.

import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../../../workflows/model/asset/partition.ts';
import { outputsOf, type Partitions } from '../../../../workflows/model/asset/partitioning.ts';
import type { MaterializationInput } from '../../../../workflows/model/asset/record.ts';
import { isoFromMicros } from '../../../../workflows/model/commit-time.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import { literal, qualified, quoted } from '../identifier.ts';
import { type Bound, keySql, placeOfKeySql, placeSql } from '../partition-sql.ts';
import type { DuckDbSession } from '../session.ts';
import { assetSelect } from './asset-sql.ts';
import { readBound } from './bound.ts';
import { assertColumns } from './contract.ts';
import { type InputPosition, inputsSince } from './inputs.ts';
import { planStep, type StepPlan, type StepWork } from './plan.ts';
import { type Audit, auditStaged } from './staged-check.ts';
import { CHANGED, PLANNED, STAGED, STAGED_PARTITION } from './staging.ts';

/** A partition whose rows are staged. */
export interface StagedPartition {
  readonly partition: PartitionKey | null;
  readonly rows: number;
  /** It was computed before, and is what it was. */
  readonly unchanged: boolean;
  /** The asset's inputs, as the transaction saw them. */
  readonly inputs: readonly MaterializationInput[];
}

export interface StagedStep extends Pick<StepPlan, 'reshaped' | 'columns' | 'shared'>, Audit {
  readonly startedAt: string;
  readonly partitions: readonly StagedPartition[];
  /** What the transaction saw of each input. */
  readonly positions: readonly InputPosition[];
}

/**
 * Stages what is due, to be published on the same session.
 * @returns null when nothing is due.
 * @throws WalflowError ASSET_OUTSIDE_WINDOW, ASSET_CONTRACT_BROKEN, ASSET_SCHEMA_CHANGED, CheckError
 */
export async function computeStep(session: DuckDbSession, work: StepWork): Promise<StagedStep | null> {
  const { asset } = work;
  const startedAt = isoFromMicros(Date.now() * 1000);
  return await session.transaction(async () => {
    const bound = await readBound(session, asset);
    const plan = await planStep(session, work, bound);
    if (plan === null) return null;
    const { reshaped, columns, shared, positions } = plan;
    await assertColumns(session, asset, reshaped);
    const rows: number[] = [];
    for (const { partition } of plan.partitions) rows.push(await stage(session, asset, partition, bound));
    if (asset.definition.partitions !== undefined) await assertInside(session, asset.key, asset.definition.partitions);
    const changed = await findChanged(session, asset, reshaped);
    const staged = plan.partitions.map(({ partition, inputs }, i) => ({
      ...{ partition, rows: rows[i] ?? 0, unchanged: !changed.has(partition), inputs: inputsSince(inputs, positions) },
    }));
    const audit = await auditStaged(session, asset, {
      keys: plan.partitions.map(({ partition }) => partition),
      reshaped,
    });
    const withheld = new Set(audit.withheld.map(({ partition }) => partition));
    const partitions = staged.filter(({ partition }) => !withheld.has(partition));
    return { startedAt, reshaped, columns, shared, partitions, positions, ...audit };
  });
}

async function stage(
  session: DuckDbSession,
  asset: DerivedAsset,
  partition: PartitionKey | null,
  bound: Bound,
): Promise<number> {
  const key = partition === null ? 'null' : literal(partition);
  const select = assetSelect(asset, partition === null ? null : { key: partition, bound });
  return await session.run(`insert into temp.main.${STAGED} select ${key}, * from (${select})`);
}

async function assertInside(session: DuckDbSession, asset: string, partitions: Partitions): Promise<void> {
  const outputs = outputsOf(partitions);
  const place = placeSql(partitions, outputs.map(quoted));
  const [found] = await session.rows<{ partition: PartitionKey; rows: string }>(
    `select ${STAGED_PARTITION} as partition, count(*) as rows from temp.main.${STAGED}
     where ${place} is distinct from ${placeOfKeySql(partitions, STAGED_PARTITION)} group by all order by all limit 1`,
  );
  if (found === undefined) return;
  throw new WalflowError(
    'ASSET_OUTSIDE_WINDOW',
    `${asset} produced ${found.rows} rows for ${found.partition} whose ${outputs.join(', ')} lies in another partition`,
  );
}

/**
 * Makes CHANGED: partitions whose staged rows are not the published ones, counted with their repetitions. What is published can
 * only change together with the partition's record, and then the publish is refused.
 */
async function findChanged(
  session: DuckDbSession,
  asset: DerivedAsset,
  reshaped: boolean,
): Promise<ReadonlySet<PartitionKey | null>> {
  const planned = `select partition from temp.main.${PLANNED}`;
  const differing = `
    select distinct ${STAGED_PARTITION} as partition from (
      (from temp.main.${STAGED} except all ${presentSql(asset)})
      union all (${presentSql(asset)} except all from temp.main.${STAGED}))`;
  await session.run(
    `create or replace temp table ${CHANGED} as
     ${reshaped ? planned : `${planned} where version = 0 union ${differing}`}`,
  );
  const rows = await session.rows<{ partition: PartitionKey | null }>(`select partition from temp.main.${CHANGED}`);
  return new Set(rows.map(({ partition }) => partition));
}

/** The published rows of planned partitions, as they would be staged. */
function presentSql({ definition: { partitions }, place }: DerivedAsset): string {
  const table = qualified(place);
  if (partitions === undefined) return `select null::VARCHAR as ${STAGED_PARTITION}, * from ${table}`;
  const at = placeSql(partitions, outputsOf(partitions).map(quoted));
  return `select ${keySql(partitions, at)} as ${STAGED_PARTITION}, * from ${table}
    where ${at} in (select ${placeOfKeySql(partitions, 'partition')} from temp.main.${PLANNED})`;
}
