import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { ChangeFileEncoder, type EncodedChangeFile } from '../../activities/lake/change-file.ts';
import { encodeManifest, encodeSnapshotComplete } from '../../activities/lake/manifest-codec.ts';
import { dataKey, manifestKey, snapshotChunkKey, snapshotCompleteKey } from '../../activities/lake/object-key.ts';
import { isoFromMicros } from '../../workflows/model/commit-time.ts';
import { lsnToHex } from '../../workflows/model/lsn.ts';
import type { DataFile, Manifest, Truncate } from '../../workflows/model/manifest.ts';
import { freshFolder } from '../support/folder.ts';
import { type Field, rowOf, UNCHANGED } from '../support/row.ts';
import { capturedTable, OID } from './captured-table.ts';
import { following, SAMPLE, withInline } from './sample-manifest.ts';
import { appendText } from './text-row.ts';

// The page's example, as it stands on the page, run over a lake of the page's layout.

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/lake-format.md'), 'utf8');
const [, EXAMPLE = ''] = /```sql\n([\s\S]*?)```/.exec(PAGE) ?? [];
const [, PYTHON_EXAMPLE = ''] = /```python\n([\s\S]*?)```/.exec(PAGE) ?? [];
const hasPython = spawnSync('python3', ['--version']).status === 0;
const COPY_ID = '00000001-a1b2';
const R0 = 0x1000n;

/** The example's table; its columns may have other names. */
const productsWith = (sku: string, description: string) => ({
  ...capturedTable([
    ['id', OID.int8],
    [sku, OID.text],
    [description, OID.text],
  ]),
  table: 'public.products',
  name: 'products',
});
let products = productsWith('sku', 'description');
const scratch = freshFolder();
const folder = join(scratch, 'sku=x');
/** Where the example puts files that lie in manifests. */
const unpacked = join(scratch, 'inline');

function write(key: string, bytes: Uint8Array): void {
  mkdirSync(dirname(join(folder, key)), { recursive: true });
  writeFileSync(join(folder, key), bytes);
}

type Change = readonly [op: 'i' | 'u' | 'd', id: string, sku: string | null, description: Field];

async function changeFile(commitLsn: bigint, changes: readonly Change[]): Promise<EncodedChangeFile> {
  const encoder = new ChangeFileEncoder(products);
  encoder.beginTransaction(commitLsn, 1_768_000_000_000_000, 7);
  changes.forEach(([op, ...values], ordinal) => {
    encoder.append(op, ordinal, false, rowOf(values));
  });
  return await encoder.finish();
}

function dataFile(key: string, file: EncodedChangeFile): DataFile {
  const { bytes, minCommitLsn, maxCommitLsn, minCommitTimeUs, maxCommitTimeUs, ...figures } = file;
  return {
    key,
    bytes: bytes.length,
    minCommitLsn: lsnToHex(minCommitLsn),
    maxCommitLsn: lsnToHex(maxCommitLsn),
    minCommitTime: isoFromMicros(minCommitTimeUs),
    maxCommitTime: isoFromMicros(maxCommitTimeUs),
    ...figures,
  };
}

async function append(previous: Manifest, commitLsn: bigint, changes: readonly Change[], truncates: Truncate[] = []) {
  const file = await changeFile(commitLsn, changes);
  const seq = previous.seq + 1;
  const key = dataKey({ ...products, seq, part: 0, commitTimeUs: file.minCommitTimeUs, nonce: 'a1b2' });
  write(key, file.bytes);
  const tables = [{ table: products.table, schemaVersion: 'v1', files: [dataFile(key, file)] }];
  const positions = { formatVersion: 1, endLsn: lsnToHex(commitLsn + 16n) };
  const manifest = following(previous, { ...positions, tables, truncates });
  write(manifestKey(seq), encodeManifest(manifest).bytes);
  return manifest;
}

/** The same, in one object. */
async function appendInline(...batch: Parameters<typeof append>): Promise<Manifest> {
  const taken: string[] = [];
  const manifest = withInline(await append(...batch), (key) => {
    taken.push(key);
    return readFileSync(join(folder, key));
  });
  for (const key of taken) rmSync(join(folder, key));
  write(manifestKey(manifest.seq), encodeManifest(manifest).bytes);
  return manifest;
}

async function copyOf(rows: readonly (readonly (string | null)[])[]): Promise<void> {
  const encoder = new ChangeFileEncoder(products);
  encoder.beginTransaction(R0, 1_768_000_000_000_000, 0);
  rows.forEach((row, i) => {
    appendText(encoder, i, row);
  });
  const { bytes, sha256 } = await encoder.finish();
  const key = snapshotChunkKey(products, COPY_ID, 0, 'a1b2');
  write(key, bytes);
  const files = [{ key, rows: rows.length, bytes: bytes.length, sha256 }];
  const positions = { r0Lsn: lsnToHex(R0), endLsn: lsnToHex(R0) };
  const complete = { formatVersion: 1, table: products.table, id: COPY_ID, rows: rows.length, files, ...positions };
  write(snapshotCompleteKey(products, COPY_ID), encodeSnapshotComplete(complete).bytes);
}

async function startLog(): Promise<Manifest> {
  rmSync(join(folder, 'log'), { recursive: true, force: true });
  const snapshot = { id: COPY_ID, r0Lsn: lsnToHex(R0), fromSeq: 1 };
  const empty = { tables: [], truncates: [], startLsn: lsnToHex(R0), endLsn: lsnToHex(R0) };
  const first = { ...SAMPLE, ...empty, capture: [{ ...products, schemaVersion: 'v1', snapshot }] };
  write(manifestKey(1), encodeManifest(first).bytes);
  return first;
}

async function runExample(): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const [, sku = '', description = ''] = products.columns.map(({ name }) => name);
    const sql = EXAMPLE.replaceAll(/\bsku\b/g, sku)
      .replaceAll(/\bdescription\b/g, description)
      .replaceAll('s3://my-bucket/raw/cdc/shop', folder)
      .replaceAll("'inline", `'${unpacked}`);
    rmSync(unpacked, { recursive: true, force: true });
    return (await connection.runAndReadAll(sql)).getRowsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

test('the example rebuilds a table: copy, inserts, updates, values not carried, deletes, files nobody names', async () => {
  await copyOf([
    ['1', 'a', 'one'],
    ['2', 'b', 'two'],
    ['3', 'c', null],
    ['4', 'd', 'four'],
  ]);
  const first = await startLog();
  // The copy may already show what the log says again: its rows lose against every change from R0 on.
  const second = await append(first, R0, [
    ['u', '1', 'a2', UNCHANGED],
    ['u', '2', 'b2', null],
    ['d', '4', null, null],
  ]);
  await append(second, R0 + 32n, [
    ['u', '2', 'b3', UNCHANGED],
    ['i', '5', 'e', 'five'],
    ['i', '6', 'f', 'six'],
    ['d', '6', null, null],
  ]);
  const orphan = await changeFile(R0 + 48n, [['i', '99', 'x', 'nobody names this file']]);
  write(dataKey({ ...products, seq: 3, part: 0, commitTimeUs: 0, nonce: 'dead' }), orphan.bytes);
  expect(await runExample()).toEqual([
    ['1', 'a2', 'one'],
    ['2', 'b3', null],
    ['3', 'c', null],
    ['5', 'e', 'five'],
  ]);
});

/** A log of small batches, with one in the middle that was too large to ride inside. */
async function mixedLog(): Promise<void> {
  await copyOf([['1', 'a', 'one']]);
  const second = await appendInline(await startLog(), R0, [
    ['u', '1', 'a2', UNCHANGED],
    ['i', '2', 'b', 'two'],
  ]);
  const third = await append(second, R0 + 32n, [['u', '2', 'b3', UNCHANGED]]);
  const fourth = await appendInline(third, R0 + 64n, [['i', '3', 'c', 'three']]);
  await appendInline(fourth, R0 + 96n, [['d', '3', null, null]]);
}

test('the example finds files that lie in their manifest as well as those that are objects', async () => {
  await mixedLog();
  expect(await runExample()).toEqual([
    ['1', 'a2', 'one'],
    ['2', 'b3', 'two'],
  ]);
  expect(readdirSync(unpacked)).toHaveLength(3);
});

test('the example in Python brings every change file, in the order of the log', async ({ skip }) => {
  skip(!hasPython, 'there is no Python here');
  await mixedLog();
  const python = PYTHON_EXAMPLE.replaceAll("'lake'", JSON.stringify(folder));
  const run = spawnSync('python3', ['-c', python], { cwd: scratch, encoding: 'utf8' });
  expect({ code: run.status, error: run.stderr }).toEqual({ code: 0, error: '' });
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const sql = `select _op || id from read_parquet('${scratch}/changes/*.parquet', file_row_number = true, filename = true)
               order by filename, file_row_number`;
  expect((await connection.runAndReadAll(sql)).getRows().flat()).toEqual(['u1', 'i2', 'u2', 'i3', 'd3']);
  connection.closeSync();
});

test('the example drops what a truncate dropped, to the row', async () => {
  await copyOf([['1', 'a', 'one']]);
  const first = await startLog();
  const truncate = { table: products.table, commitLsn: lsnToHex(R0 + 16n), ordinal: 1 };
  const second = await append(first, R0 + 16n, [['i', '2', 'b', 'before']], [truncate]);
  await append(second, R0 + 32n, [['i', '3', 'c', 'after']]);
  expect(await runExample()).toEqual([['3', 'c', 'after']]);
});

test('the example leaves out an older epoch, whose positions were larger', async () => {
  await copyOf([['1', 'a', 'one']]);
  const old = await append(await startLog(), R0 + 4096n, [['i', '7', 'z', 'of another server']]);
  const snapshot = { id: COPY_ID, r0Lsn: lsnToHex(R0), fromSeq: old.seq + 1 };
  const epoch = { epochNo: 2, startLsn: lsnToHex(R0), endLsn: lsnToHex(R0) };
  const reborn = following(old, { ...epoch, capture: [{ ...products, schemaVersion: 'v1', snapshot }] });
  write(manifestKey(reborn.seq), encodeManifest(reborn).bytes);
  await append(reborn, R0 + 16n, [['i', '2', 'b', 'two']]);
  expect(await runExample()).toEqual([
    ['1', 'a', 'one'],
    ['2', 'b', 'two'],
  ]);
});

test('the example takes no value from a folder, also where columns are named like the folders', async () => {
  products = productsWith('dt', 'hr');
  await copyOf([['1', 'a', 'one']]);
  const first = await startLog();
  await append(first, R0 + 16n, [['i', '2', 'b', 'two']]);
  expect(await runExample()).toEqual([
    ['1', 'a', 'one'],
    ['2', 'b', 'two'],
  ]);
});
