import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ChangeFileEncoder, type EncodedChangeFile } from '../../activities/lake/change-file.ts';
import { bodyOf, inlineFiles } from '../../activities/lake/inline-file.ts';
import { decodeManifest, encodeManifest } from '../../activities/lake/manifest-codec.ts';
import { manifestKey } from '../../activities/lake/object-key.ts';
import type { RelationColumn } from '../../workflows/model/relation.ts';
import { type Field, rowOf } from '../support/row.ts';
import { capturedTable } from './captured-table.ts';

// What format versions 1 and 2 are, byte by byte: a change of these files is a change of the format. The pages are too short to be
// compressed, so that no version of zstd shows in them.

interface Recorded {
  readonly columns: readonly RelationColumn[];
  readonly transactions: readonly {
    readonly commitLsn: string;
    readonly commitTimeUs: number;
    readonly xid: number;
    readonly changes: readonly {
      readonly op: 'i' | 'u' | 'd';
      readonly moved?: true;
      readonly values: readonly Field[];
    }[];
  }[];
}

const folderOf = (version: number) => join(import.meta.dirname, '..', 'golden', `lake-format-${version}`);
const GOLDEN = folderOf(1);
const read = (file: string) => readFileSync(join(GOLDEN, file));
const stored = (ending: string) =>
  readdirSync(GOLDEN).flatMap((file) => (file.endsWith(ending) ? [file.slice(0, -ending.length)] : []));

/** Every column is a key, so that every kind shows its statistics. */
async function encoded({ columns, transactions }: Recorded): Promise<EncodedChangeFile> {
  const names = columns.map(({ name }) => name);
  const table = capturedTable(
    columns.map(({ name, typeOid, typeModifier }) => [name, typeOid, typeModifier]),
    names,
  );
  const encoder = new ChangeFileEncoder(table);
  for (const { commitLsn, commitTimeUs, xid, changes } of transactions) {
    encoder.beginTransaction(BigInt(`0x${commitLsn}`), commitTimeUs, xid);
    changes.forEach(({ op, moved = false, values }, ordinal) => {
      encoder.append(op, ordinal, moved, rowOf(values));
    });
  }
  return await encoder.finish();
}

describe('change files', () => {
  test('are there to be compared', () => {
    expect(stored('.parquet')).toEqual(['every-kind']);
  });

  test.each(stored('.parquet'))('%s is written as it always was', async (name) => {
    const file = await encoded(JSON.parse(read(`${name}.json`).toString()) as Recorded);
    expect(file.bytes.toString('latin1')).toBe(read(`${name}.parquet`).toString('latin1'));
  });
});

test.each([1, 2])('a manifest of version %i that was stored is read, and written again byte by byte', (version) => {
  const bytes = readFileSync(join(folderOf(version), 'manifest.json'));
  const { manifest } = decodeManifest(bytes, manifestKey(1));
  expect(manifest.formatVersion).toBe(version);
  expect(encodeManifest(manifest).bytes.toString()).toBe(bytes.toString());
});

test('the file inside a manifest of version 2 is the change file byte by byte', () => {
  const { manifest } = decodeManifest(readFileSync(join(folderOf(2), 'manifest.json')), manifestKey(1));
  expect(inlineFiles(manifest).map((file) => bodyOf(file).toString('latin1'))).toEqual([
    read('every-kind.parquet').toString('latin1'),
  ]);
});
