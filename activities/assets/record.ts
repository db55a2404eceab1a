// Records of materializations as objects of the lake, where they outlive the warehouse file. The transaction writes the
// warehouse's own record first; if a crash kept one from the lake, the next run stores it.

import { createHash } from 'node:crypto';
import type { DerivedAsset } from '../../workflows/model/asset/graph.ts';
import type { Materialization } from '../../workflows/model/asset/record.ts';
import { recordKey } from '../lake/object-key.ts';
import type { S3Lake } from '../lake/s3/lake.ts';
import type { WarehouseResources } from '../resources.ts';

/** How many older records a run checks. */
const LOOK_BACK = 50;

/** Stores the new records, and older ones that are missing in the lake. */
export async function keepRecords(
  resources: WarehouseResources,
  asset: DerivedAsset,
  records: readonly Materialization[],
): Promise<void> {
  const lake = asset.pipeline === null ? undefined : resources.pipelines.get(asset.pipeline)?.lake;
  if (lake === undefined) return;
  await Promise.all(records.map((record) => put(lake, record)));
  const known = new Set(records.map((record) => record.id));
  const older = await resources.warehouse.materializations(asset.key, { limit: LOOK_BACK + records.length });
  for (const record of older) {
    if (known.has(record.id)) continue;
    if (await lake.exists(recordKey(record))) return;
    await put(lake, record);
  }
}

async function put(lake: S3Lake, record: Materialization): Promise<void> {
  const body = Buffer.from(JSON.stringify({ formatVersion: 1, kind: 'materialization', ...record }, null, 2));
  await lake.putIfAbsent(recordKey(record), body, createHash('sha256').update(body).digest('hex'));
}
