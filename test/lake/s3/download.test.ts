import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { saveVerified } from '../../../activities/lake/s3/download.ts';
import { freshFolder } from '../../support/folder.ts';

const folder = freshFolder();
const path = join(folder, 'file');
/** SHA-256 of "abc": FIPS 180-2, appendix B.1. */
const ABC = { sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', bytes: 3 };

async function* body(failure?: Error) {
  yield Buffer.from('a');
  if (failure !== undefined) throw failure;
  yield Buffer.from('bc');
}

test('a full disk is named as one, and gets its space back', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
  await expect(saveVerified(body(full), path, 'data/x', ABC)).rejects.toMatchObject({ code: 'WAREHOUSE_DISK_FULL' });
  expect(readdirSync(folder)).toEqual([]);
});

test('a body that breaks off is left to the caller, and leaves no partial file', async () => {
  const cut = new Error('aborted');
  await expect(saveVerified(body(cut), path, 'data/x', ABC)).rejects.toBe(cut);
  expect(readdirSync(folder)).toEqual([]);
});

test('a whole body takes the place of what stood under the name', async () => {
  await saveVerified(body(), path, 'data/x', ABC);
  await saveVerified(body(), path, 'data/x', ABC);
  expect(readFileSync(path, 'utf8')).toBe('abc');
  expect(readdirSync(folder)).toEqual(['file']);
});

test('a body that came as a whole is checked like any other', async () => {
  const whole = Buffer.from('abc');
  await saveVerified(whole, path, 'data/x', ABC);
  expect(readFileSync(path, 'utf8')).toBe('abc');
  const damaged = { code: 'DATA_FILE_DAMAGED' };
  await expect(saveVerified(Buffer.from('abd'), path, 'data/x', ABC)).rejects.toMatchObject(damaged);
  await expect(saveVerified(whole.subarray(1), path, 'data/x', ABC)).rejects.toMatchObject(damaged);
  expect(readdirSync(folder)).toEqual(['file']);
  expect(readFileSync(path, 'utf8'), 'the file that stood there').toBe('abc');
});
