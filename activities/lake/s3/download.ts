// Saves an object as a file: its bytes are counted and hashed on the way, and the file gets its name only when all of them
// are there and correct. One chunk at a time is in memory; a small object, of which there are many, comes as one.

import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream, writeFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { WalflowError } from '../../../workflows/model/errors.ts';

/** What the manifest says about a file. */
export interface ExpectedFile {
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/** @throws WalflowError DATA_FILE_DAMAGED, WAREHOUSE_DISK_FULL, and whatever the body throws; no partial file is left. */
export async function saveVerified(
  body: AsyncIterable<Uint8Array> | Uint8Array,
  path: string,
  key: string,
  expected: ExpectedFile,
): Promise<void> {
  const partial = `${path}.${randomUUID()}.part`;
  try {
    const saved = body instanceof Uint8Array ? saveWhole(body, partial) : await saveStream(body, partial);
    if (saved.bytes !== expected.bytes) {
      throw new WalflowError(
        'DATA_FILE_DAMAGED',
        `${key} has ${saved.bytes} bytes, its manifest says ${expected.bytes}`,
      );
    }
    if (saved.sha256 !== expected.sha256) {
      throw new WalflowError('DATA_FILE_DAMAGED', `${key} differs from the checksum in its manifest`);
    }
    await rename(partial, path);
  } catch (failure) {
    await rm(partial, { force: true });
    throw diskFailure(failure, path) ?? failure;
  }
}

/** In one go: turns of the thread pool would cost several times as much as the writing. */
function saveWhole(body: Uint8Array, path: string): ExpectedFile {
  writeFileSync(path, body);
  return { bytes: body.length, sha256: createHash('sha256').update(body).digest('hex') };
}

async function saveStream(body: AsyncIterable<Uint8Array>, path: string): Promise<ExpectedFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(body, count, createWriteStream(path));
  return { bytes, sha256: hash.digest('hex') };
}

/** Keeps a failure of the local disk apart from one of the store; null for any other failure. */
function diskFailure(cause: unknown, path: string): WalflowError | null {
  const { code, path: failedPath } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC') {
    return new WalflowError('WAREHOUSE_DISK_FULL', `no space is left on the disk of ${path}`, { cause });
  }
  return failedPath === undefined
    ? null
    : new WalflowError('INTERNAL', `${path} cannot be written: ${code}`, { cause });
}
