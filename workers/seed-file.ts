// Seeds on their way into a warehouse: an engine may read only its spool, so the files of a configuration are copied there,
// once, when a process begins to work with it. ⚠ The code of a seed is the hash of its file, so only that content is copied.

import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { LoadedSeed } from '../workflows/model/asset/definition.ts';
import type { AssetGraph } from '../workflows/model/asset/graph.ts';
import { WalflowError } from '../workflows/model/errors.ts';

/** In the spool folder; a pipeline's name cannot begin with a dot. */
const FOLDER = '.seeds';

/**
 * @param spool the folder that the engine may read
 * @returns the graph, of which seeds are read from there
 * @throws WalflowError CONFIG_INVALID when a file is not what it was when the configuration was read
 */
export async function withSpooledSeeds(graph: AssetGraph, spool: string): Promise<AssetGraph> {
  const seeds = graph.derived.flatMap(({ key, definition: { seed } }) => (seed === undefined ? [] : [{ key, seed }]));
  if (seeds.length === 0) return graph;
  await mkdir(join(spool, FOLDER), { recursive: true });
  const pathOf = ({ hash, format }: LoadedSeed) => join(spool, FOLDER, `${hash}.${format}`);
  for (const { key, seed } of seeds) await copy(key, seed, pathOf(seed));
  return graph.withSeeds((seed) => ({ ...seed, path: pathOf(seed) }));
}

async function copy(key: string, { path, hash }: LoadedSeed, target: string): Promise<void> {
  const digest = createHash('sha256');
  const fresh = `${target}.${randomUUID()}`;
  try {
    await pipeline(
      createReadStream(path),
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          digest.update(piece);
          yield piece;
        }
      },
      createWriteStream(fresh),
    );
  } catch (cause) {
    throw new WalflowError('CONFIG_INVALID', `the file of ${key} cannot be read any more: ${path}`, { cause });
  }
  if (digest.digest('hex') !== hash) {
    throw new WalflowError(
      'CONFIG_INVALID',
      `the file of ${key} has changed since the configuration was read: ${path}`,
      {
        hint: 'start the worker again',
      },
    );
  }
  await rename(fresh, target);
}
