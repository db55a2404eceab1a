// A lake in memory for what reads one: manifests of small batches, data files from the local disk, and a count of how many
// files are asked for at once.

import { copyFile } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { encodeManifest } from '../../activities/lake/manifest-codec.ts';
import { manifestKey } from '../../activities/lake/object-key.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { Manifest } from '../../workflows/model/manifest.ts';
import { following, SAMPLE, withInline } from '../lake/sample-manifest.ts';

export class MemoryLake {
  readonly #objects = new Map<string, Buffer>();
  /** Local paths of data files by key; a key that is not here is a file nobody reads. */
  readonly dataFiles = new Map<string, string>();
  readonly damaged = new Set<string>();
  /** Keys of data files asked for, in order. */
  readonly asked: string[] = [];
  /** How many whole objects were asked for, … */
  gets = 0;
  /** … and how many only whether they exist. */
  looks = 0;
  asking = 0;
  mostAsking = 0;

  constructor(manifests: readonly Manifest[]) {
    for (const manifest of manifests) this.append(manifest);
  }

  append(manifest: Manifest): void {
    this.put(manifestKey(manifest.seq), encodeManifest(manifest).bytes);
  }

  put(key: string, body: Uint8Array): void {
    this.#objects.set(key, Buffer.from(body));
  }

  remove(key: string): void {
    this.#objects.delete(key);
  }

  async get(key: string): Promise<Buffer | null> {
    this.gets += 1;
    return this.#objects.get(key) ?? null;
  }

  async exists(key: string): Promise<boolean> {
    this.looks += 1;
    return this.#objects.has(key);
  }

  async putIfAbsent(): Promise<'exists'> {
    return 'exists';
  }

  async getToFile(key: string, path: string): Promise<void> {
    this.asked.push(key);
    this.asking += 1;
    this.mostAsking = Math.max(this.mostAsking, this.asking);
    await turn();
    this.asking -= 1;
    if (this.damaged.has(key)) throw new WalflowError('DATA_FILE_DAMAGED', `${key} is damaged`);
    const source = this.dataFiles.get(key);
    if (source !== undefined) await copyFile(source, path);
  }
}

/** `count` manifests of one file each. */
export function logOf(count: number): readonly Manifest[] {
  const manifests = [SAMPLE];
  for (let last = SAMPLE; manifests.length < count; manifests.push(last))
    last = following(last, { tables: SAMPLE.tables });
  return manifests;
}

/** The same, with the files inside. */
export function inlineLogOf(count: number): readonly Manifest[] {
  const inside = (manifest: Manifest) => withInline(manifest, () => Buffer.from(`file of ${manifest.seq}`));
  const manifests = [inside(SAMPLE)];
  for (let last = manifests[0] as Manifest; manifests.length < count; manifests.push(last))
    last = inside(following(last, { tables: SAMPLE.tables }));
  return manifests;
}
