// Files that a configuration names: they are read when it is read.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nearestName } from './nearest-name.ts';

export interface SourceFiles {
  /** Null if there is no such file, or it cannot be read. */
  text(path: string): string | null;
  /** The file of the same folder that was most likely meant. */
  nearest(path: string): string | null;
}

export const SOURCE_FILES: SourceFiles = {
  text: (path) => quietly(() => readFileSync(path, 'utf8')),
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
