// Change files and chunks as the reference reads them: values as text, decoded by nothing that merges.

import { readFile } from 'node:fs/promises';
import type { FileSource, LakeFile } from '../../../activities/warehouse/file-source.ts';
import { lakeColumnName } from '../../../workflows/model/lake-column.ts';
import type { CaptureEntry } from '../../../workflows/model/manifest.ts';
import type { ParquetReader } from '../../lake/parquet-reader.ts';
import { type Change, isBehind } from './fold.ts';

/** Every change of the files, in the order of the log. */
export async function readChanges(
  reader: ParquetReader,
  source: FileSource,
  entry: CaptureEntry,
  files: readonly LakeFile[],
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for (const file of files) {
    const bytes = await readFile(await source.local(file));
    const rows = await reader.query(bytes, 'select * replace (to_json(_unchanged) as _unchanged) from $file');
    changes.push(...rows.map((row) => changeOf(entry, row)));
  }
  return changes.sort((one, other) => (isBehind(one, other) ? 1 : -1));
}

function changeOf(entry: CaptureEntry, row: Readonly<Record<string, string | null>>): Change {
  const unchanged = JSON.parse(row['_unchanged'] ?? '[]') as readonly string[];
  return {
    op: row['_op'] ?? '',
    lsn: BigInt(row['_commit_lsn'] ?? 0),
    ordinal: Number(row['_ordinal']),
    time: row['_commit_time'] ?? '',
    moved: row['_moved'] === 'true',
    unchanged: new Set(unchanged),
    values: Object.fromEntries(entry.columns.map(({ name }) => [name, row[lakeColumnName(name)] ?? null])),
  };
}
