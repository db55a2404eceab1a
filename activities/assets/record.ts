// Records of materializations as objects of the lake, where they outlive the warehouse file: the last one of each partition
// and day, so that their number does not grow with the number of runs. The transaction writes the warehouse's own record
// first; if a crash kept one from the lake, the next run stores it.

import type { Materialization } from '../../workflows/model/asset/record.ts';
import { recordKey } from '../lake/object-key.ts';
import type { S3Lake } from '../lake/s3/lake.ts';

/**
 * Stores the new records of an asset, and earlier ones that are missing.
 * @param recent the newest records of the asset in the warehouse, newest first; an object that is found there ends the search
 */
export async function keepRecords(
  lake: S3Lake,
  records: readonly Materialization[],
  recent: readonly Materialization[],
): Promise<void> {
  await Promise.all(records.map((record) => put(lake, record)));
  const kept = new Set(records.map(recordKey));
  for (const record of recent) {
    const key = recordKey(record);
    if (kept.has(key)) continue;
    kept.add(key);
    if ((await lake.get(key))?.equals(bodyOf(record))) return;
    await put(lake, record);
  }
}

async function put(lake: S3Lake, record: Materialization): Promise<void> {
  await lake.putText(recordKey(record), bodyOf(record).toString());
}

function bodyOf(record: Materialization): Buffer {
  return Buffer.from(JSON.stringify({ formatVersion: 1, kind: 'materialization', ...record }, null, 2));
}
