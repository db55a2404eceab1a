// Computes a step: one read transaction for all partitions of the step, into staging. Merges and publishes go on meanwhile;
// the transaction does not see what they commit.

import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../../../workflows/model/asset/partition.ts';
import type { MaterializationInput } from '../../../../workflows/model/asset/record.ts';
import type { TimePartitions } from '../../../../workflows/model/asset/time-partition.ts';
import { isoFromMicros } from '../../../../workflows/model/commit-time.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import { literal, quoted } from '../identifier.ts';
import { type Bound, placeOfKeySql, placeSql } from '../partition-sql.ts';
import type { DuckDbSession } from '../session.ts';
import { assetSelect } from './asset-sql.ts';
import { readBound } from './bound.ts';
import { inputsSince } from './inputs.ts';
import { planStep, type StepPlan } from './plan.ts';
import { STAGED, STAGED_PARTITION } from './staging.ts';

/** A partition whose rows are staged. */
export interface StagedPartition {
  readonly partition: PartitionKey | null;
  readonly rows: number;
  /** The asset's inputs, as the transaction saw them. */
  readonly inputs: readonly MaterializationInput[];
}

export interface StagedStep extends Pick<StepPlan, 'reshaped'> {
  readonly startedAt: string;
  readonly partitions: readonly StagedPartition[];
  /** Newest manifest that the transaction saw. */
  readonly seq: number;
}

/**
 * Stages what is due, to be published on the same session.
 * @returns null when nothing is due.
 * @throws WalflowError ASSET_OUTSIDE_WINDOW
 */
export async function computeStep(session: DuckDbSession, asset: DerivedAsset): Promise<StagedStep | null> {
  const startedAt = isoFromMicros(Date.now() * 1000);
  return await session.transaction(async () => {
    const bound = await readBound(session, asset);
    const plan = await planStep(session, asset, bound);
    if (plan === null) return null;
    const partitions: StagedPartition[] = [];
    for (const { partition, inputs } of plan.partitions) {
      const rows = await stage(session, asset, partition, bound);
      partitions.push({ partition, rows, inputs: inputsSince(inputs, plan.positions) });
    }
    if (asset.definition.partitions !== undefined) await assertInside(session, asset.key, asset.definition.partitions);
    const seq = Math.max(0, ...plan.positions.map(({ seqTo }) => seqTo));
    return { startedAt, reshaped: plan.reshaped, partitions, seq };
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

async function assertInside(session: DuckDbSession, asset: string, partitions: TimePartitions): Promise<void> {
  const place = placeSql(partitions, quoted(partitions.output));
  const [found] = await session.rows<{ partition: PartitionKey; rows: string }>(
    `select ${STAGED_PARTITION} as partition, count(*) as rows from temp.main.${STAGED}
     where ${place} is distinct from ${placeOfKeySql(partitions, STAGED_PARTITION)} group by all order by all limit 1`,
  );
  if (found === undefined) return;
  throw new WalflowError(
    'ASSET_OUTSIDE_WINDOW',
    `${asset} produced ${found.rows} rows for ${found.partition} whose ${partitions.output} lies in another partition`,
  );
}
