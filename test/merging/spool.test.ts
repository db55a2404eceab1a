import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { manifestKey } from '../../activities/lake/object-key.ts';
import { Spool } from '../../activities/merging/spool.ts';
import type { DataFile, Manifest } from '../../workflows/model/manifest.ts';
import { SAMPLE, withInline } from '../lake/sample-manifest.ts';
import { freshFolder } from '../support/folder.ts';
import { MemoryLake } from '../support/memory-lake.ts';

const folder = freshFolder();
const spooled = join(folder, 'shop');
const content = join(folder, 'content');
const file = (key: string) => ({ key, bytes: 3, sha256: 'same content' });

let lake: MemoryLake;
let spool: Spool;

beforeEach(async () => {
  writeFileSync(content, 'abc');
  lake = new MemoryLake([]);
  spool = new Spool(lake, spooled);
  await spool.empty();
});

test('the files of a large window are asked for a few at a time: a request that waits for its socket runs out of time', async () => {
  const paths = await Promise.all(Array.from({ length: 500 }, (_, i) => spool.local(file(`data/${i}`))));
  expect(new Set(paths).size).toBe(500);
  expect(lake.mostAsking).toBeLessThan(64);
  expect(lake.mostAsking).toBeGreaterThan(8);
  expect(lake.asking).toBe(0);
});

test('a file is fetched once, however many ask, and again only after it was let go', async () => {
  lake.dataFiles.set('data/1', content);
  const [first, second] = await Promise.all([spool.local(file('data/1')), spool.local(file('data/1'))]);
  expect(second).toBe(first);
  expect(await spool.local(file('data/1'))).toBe(first);
  expect(lake.asked).toEqual(['data/1']);
  await spool.release([file('data/1'), file('data/never asked for')]);
  expect(readdirSync(spooled)).toEqual([]);
  await spool.local(file('data/1'));
  expect(lake.asked).toEqual(['data/1', 'data/1']);
});

test('two objects of one content do not share a local file: one of them is let go while the other is read', async () => {
  for (const key of ['data/1', 'data/2']) lake.dataFiles.set(key, content);
  await spool.local(file('data/1'));
  const second = await spool.local(file('data/2'));
  await spool.release([file('data/1')]);
  expect(readdirSync(spooled).map((name) => join(spooled, name))).toEqual([second]);
});

test('a failure is the same for all who ask, and what is let go while it is on its way is not left behind', async () => {
  lake.damaged.add('data/1');
  lake.dataFiles.set('data/2', content);
  await expect(spool.local(file('data/1'))).rejects.toMatchObject({ code: 'DATA_FILE_DAMAGED' });
  await expect(spool.local(file('data/1'))).rejects.toMatchObject({ code: 'DATA_FILE_DAMAGED' });
  expect(lake.asked).toEqual(['data/1']);
  const onItsWay = spool.local(file('data/2'));
  await spool.release([file('data/1'), file('data/2')]);
  await onItsWay;
  expect(readdirSync(spooled)).toEqual([]);
});

test('what an earlier attempt left is gone before anything is fetched', async () => {
  writeFileSync(join(spooled, 'left.parquet'), 'abc');
  await spool.empty();
  expect(readdirSync(spooled)).toEqual([]);
});

const filesOf = ({ tables }: Manifest) => tables.flatMap(({ files }) => files);

test('files that lie in a manifest are saved without a request, and the manifest is kept without them', async () => {
  const manifest = spool.take(withInline(SAMPLE, () => Buffer.from('abc')));
  const [inside] = filesOf(manifest) as [DataFile];
  expect(inside).not.toHaveProperty('inline');
  expect(readFileSync(await spool.local(inside)).toString()).toBe('abc');
  expect({ gets: lake.gets, asked: lake.asked }).toEqual({ gets: 0, asked: [] });
  await spool.release([inside]);
  expect(readdirSync(spooled)).toEqual([]);
});

test('a file whose manifest was merged long ago is found in it again', async () => {
  const manifest = withInline(SAMPLE, () => Buffer.from('abc'));
  lake.append(manifest);
  const [inside] = filesOf(manifest) as [DataFile];
  expect(readFileSync(await spool.local(inside)).toString()).toBe('abc');
  expect(lake.asked).toEqual([]);
  await spool.release([inside]);
  lake.remove(manifestKey(manifest.seq));
  await expect(spool.local(inside)).rejects.toMatchObject({ code: 'DATA_FILE_DAMAGED' });
});

test.each([
  ['another checksum', { sha256: '0'.repeat(64) }, 'differs from the checksum'],
  ['another length', { bytes: 4 }, 'has 3 bytes'],
  ['no base64', { inline: '!' }, 'has 0 bytes'],
])('a file inside a manifest with %s is damaged, whichever way it comes', async (_, change, message) => {
  const whole = withInline(SAMPLE, () => Buffer.from('abc'));
  const tables = whole.tables.map((table) => ({ ...table, files: table.files.map((one) => ({ ...one, ...change })) }));
  const manifest = { ...whole, tables };
  lake.append(manifest);
  const [inside] = filesOf(manifest) as [DataFile];
  const damaged = { code: 'DATA_FILE_DAMAGED', message: expect.stringContaining(message) };
  spool.take(manifest);
  await expect(spool.local(inside)).rejects.toMatchObject(damaged);
  await spool.release([inside]);
  await expect(spool.local(inside)).rejects.toMatchObject(damaged);
  expect(readdirSync(spooled)).toEqual([]);
});
