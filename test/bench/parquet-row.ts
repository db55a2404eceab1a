// P5: Parquet files from the bytes of the log, by batch size, beside a CSV spool that DuckDB copies.

import { join } from 'node:path';
import { runChild } from './child-run.ts';
import type { BenchContext } from './context.ts';
import { comparison, type Figure } from './figure.ts';
import type { ParquetInput, ParquetResult } from './parquet-child.ts';
import { recordMessages } from './recorded-messages.ts';
import { BASE } from './stream-runs.ts';

const BATCHES = [
  { batchRows: 1_000, floor: 2, aim: 2 },
  { batchRows: 10_000, floor: 1.5, aim: 1.5 },
  { batchRows: 100_000, floor: 1.5, aim: 1.5 },
] as const;
const RECORDED_ROWS = 100_000;

export async function measureParquet(context: BenchContext): Promise<readonly Figure[]> {
  if (!context.rows.has('P5')) return [];
  const { client, servers, effort, say, signal } = context;
  const { folder } = servers;
  const messagesFile = join(folder, 'messages.bin');
  await recordMessages(client, { ...BASE, changes: RECORDED_ROWS }, messagesFile);
  const run = async (way: ParquetInput['way'], batchRows: number) => {
    const input: ParquetInput = { way, messagesFile, folder, batchRows, rows: Math.max(effort.parquetRows, batchRows) };
    return (await runChild<ParquetResult>('parquet-child', input, signal)).result;
  };
  const figures: Figure[] = [];
  for (const { batchRows, ...bound } of BATCHES) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 1; round <= effort.parquetRounds; round++) {
      const csv = await run('csv', batchRows);
      const encoder = await run('encoder', batchRows);
      theirs.push(csv.rowsPerSecond);
      ours.push(encoder.rowsPerSecond);
      say(`  ${batchRows} rows a file, round ${round}: encoder ${textOf(encoder)}, CSV and COPY ${textOf(csv)}`);
    }
    const what = `Parquet in files of ${batchRows.toLocaleString('en')} rows`;
    const sides = { unit: 'rows/s', reference: 'CSV spool and COPY', ours, theirs };
    figures.push(comparison({ row: 'P5', what, ...sides, bound: { better: 'higher', ...bound } }));
  }
  return figures;
}

function textOf({ rowsPerSecond, bytesPerRow }: ParquetResult): string {
  return `${Math.round(rowsPerSecond).toLocaleString('en')} rows/s at ${bytesPerRow.toFixed(1)} B a row`;
}
