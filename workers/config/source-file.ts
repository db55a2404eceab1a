// Files that a configuration names: they are read when it is read.

import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nearestName } from './nearest-name.ts';

const PIECE_BYTES = 1_048_576;

export interface SourceFiles {
  /** Null if there is no such file, or it cannot be read. */
  text(path: string): string | null;
  /** SHA-256 of its bytes, in hex; null if there is no such file, or it cannot be read. */
  hash(path: string): string | null;
  /** The file of the same folder that was most likely meant. */
  nearest(path: string): string | null;
}

export const SOURCE_FILES: SourceFiles = {
  text: (path) => quietly(() => readFileSync(path, 'utf8')),
  hash: (path) => quietly(() => hashOf(path)),
  nearest: (path) => {
    const meant = nearestName(basename(path), quietly(() => readdirSync(dirname(path))) ?? []);
    return meant === null ? null : join(dirname(path), meant);
  },
};

function quietly<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** Piece by piece: the file may be large. */
function hashOf(path: string): string {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(PIECE_BYTES);
  const file = openSync(path, 'r');
  try {
    for (let length = readSync(file, piece); length > 0; length = readSync(file, piece)) {
      hash.update(piece.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}
