// Reads a lake as a stranger would, by docs/lake-format.md alone: no code of the product. Answers whether the log is one
// unbroken chain and which versions its files hold, so that a test can say "each change exactly once".

import { createHash, randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { listObjects, type Memory, readEach, readObject } from './lake-store.ts';

export interface AuditedManifest {
  readonly formatVersion: number;
  readonly seq: number;
  readonly epochNo: number;
  readonly startLsn: string;
  readonly endLsn: string;
  readonly previousHash: string | null;
  readonly hash: string;
  readonly tables: readonly { readonly table: string; readonly files: readonly AuditedFile[] }[];
  readonly truncates: readonly { readonly table: string }[];
  /** All captured tables, only where they change. */
  readonly capture: readonly AuditedCapture[] | null;
  readonly writer: { readonly nonce: string; readonly attempt: number };
}

export interface AuditedCapture {
  readonly table: string;
  readonly columns: readonly { readonly name: string }[];
  readonly snapshot: { readonly id: string; readonly exact?: true };
  readonly layout?: { readonly leaves?: readonly string[] };
  readonly paused?: { readonly code: string };
}

interface AuditedFile {
  readonly key: string;
  readonly rows: number;
  readonly sha256: string;
  /** The file itself, in base64: then it is no object. */
  readonly inline?: string;
  readonly minCommitLsn: string;
  readonly maxCommitLsn: string;
}

interface LakePlace {
  readonly prefix: string;
  readonly pipeline: string;
}

/** A change file on the local disk, and the versions found in it. */
interface ChangeFile {
  readonly path: string;
  versions: readonly string[];
}

const manifests: Memory<AuditedManifest> = new Map();
const changeFiles: Memory<ChangeFile> = new Map();

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** The whole log, by number. */
export async function readLog(prefix: string, pipeline: string): Promise<readonly AuditedManifest[]> {
  const listed = await listObjects(`${prefix}/${pipeline}/log/`);
  const log = await readEach(listed, manifests, (bytes) => ({
    ...(JSON.parse(bytes.toString('utf8')) as AuditedManifest),
    hash: sha256(bytes),
  }));
  return [...log].sort((a, b) => a.seq - b.seq);
}

/** What is wrong with the chain; empty = nothing. */
export function chainProblems(log: readonly AuditedManifest[]): string[] {
  const problems: string[] = [];
  log.forEach((manifest, i) => {
    const before = log[i - 1];
    if (manifest.seq !== i + 1) problems.push(`number ${manifest.seq} stands at place ${i + 1}`);
    if (manifest.previousHash !== (before?.hash ?? null)) problems.push(`${manifest.seq} continues another manifest`);
    if (before !== undefined && before.endLsn !== manifest.startLsn) problems.push(`${manifest.seq} does not abut`);
    for (const file of manifest.tables.flatMap((table) => table.files)) {
      if (file.minCommitLsn < manifest.startLsn || file.maxCommitLsn >= manifest.endLsn) {
        problems.push(`${file.key} holds commits outside of manifest ${manifest.seq}`);
      }
    }
  });
  return problems;
}

/** How often each version occurs in the referenced change files of a table (inserts and updates). */
export async function versionsInLake(
  at: LakePlace & { readonly folder: string },
  log: readonly AuditedManifest[],
  table: string,
): Promise<ReadonlyMap<string, number>> {
  const root = `${at.prefix}/${at.pipeline}/`;
  const files = log.flatMap((manifest) => manifest.tables.filter((t) => t.table === table).flatMap((t) => t.files));
  const stored = new Map((await listObjects(`${root}data/`)).map((object) => [object.key, object]));
  const checksums = new Map(files.map((file) => [root + file.key, file.sha256]));
  const added: ChangeFile[] = [];
  const found = await readEach(
    files.map(({ key, sha256: etag, inline }) =>
      inline === undefined
        ? (stored.get(root + key) ?? { key: root + key, etag: 'not in the store' })
        : { key: root + key, etag, content: Buffer.from(inline, 'base64') },
    ),
    changeFiles,
    (bytes, { key }) => {
      if (sha256(bytes) !== checksums.get(key)) throw new Error(`${key} is damaged`);
      const file = { path: join(at.folder, `${randomUUID()}.parquet`), versions: [] };
      writeFileSync(file.path, bytes);
      added.push(file);
      return file;
    },
  );
  await readVersions(added);
  const counts = new Map<string, number>();
  for (const { versions } of found) for (const version of versions) counts.set(version, (counts.get(version) ?? 0) + 1);
  return counts;
}

/** Fills in the versions of files that were not read before, and removes them from the disk. */
async function readVersions(files: readonly ChangeFile[]): Promise<void> {
  if (files.length === 0) return;
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const list = files.map(({ path }) => `'${path}'`).join(', ');
  const result = await connection.runAndReadAll(
    `select filename, list(version::varchar) from read_parquet([${list}], filename = true, hive_partitioning = false)
     where _op <> 'd' group by 1`,
  );
  const byPath = new Map(files.map((file) => [file.path, file]));
  for (const [path, versions] of result.getRowsJS()) {
    const file = byPath.get(String(path));
    if (file !== undefined) file.versions = versions as string[];
  }
  connection.closeSync();
  instance.closeSync();
  for (const { path } of files) rmSync(path);
}

/** Keys of all objects below one of the pipeline's folders. */
export async function lakeKeys(
  { prefix, pipeline }: LakePlace,
  folder: 'data' | 'snapshot' | 'records',
): Promise<readonly string[]> {
  const root = `${prefix}/${pipeline}/`;
  return (await listObjects(`${root}${folder}/`)).map(({ key }) => key.slice(root.length));
}

/** One object, parsed. */
export async function lakeJson({ prefix, pipeline }: LakePlace, key: string): Promise<unknown> {
  return JSON.parse((await readObject(`${prefix}/${pipeline}/${key}`)).toString('utf8'));
}
