// Reads a lake as a stranger would, by docs/lake-format.md alone: no code of the product. Answers whether the log is one
// unbroken chain and which versions its files hold, so that a test can say "each change exactly once".

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { DuckDBInstance } from '@duckdb/node-api';
import { inject } from 'vitest';

export interface AuditedManifest {
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
  readonly snapshot: { readonly id: string };
  readonly layout?: { readonly leaves?: readonly string[] };
  readonly paused?: { readonly code: string };
}

interface AuditedFile {
  readonly key: string;
  readonly rows: number;
  readonly sha256: string;
  readonly minCommitLsn: string;
  readonly maxCommitLsn: string;
}

/** The whole log, by number. */
export async function readLog(prefix: string, pipeline: string): Promise<readonly AuditedManifest[]> {
  const { s3, bucket } = client();
  const root = `${prefix}/${pipeline}/log/`;
  const manifests: AuditedManifest[] = [];
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: root })) {
    for (const { Key = '' } of page.Contents ?? []) {
      const bytes = await read(s3, bucket, Key);
      const hash = createHash('sha256').update(bytes).digest('hex');
      manifests.push({ ...(JSON.parse(bytes.toString('utf8')) as AuditedManifest), hash });
    }
  }
  return manifests.sort((a, b) => a.seq - b.seq);
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
  at: { readonly prefix: string; readonly pipeline: string; readonly folder: string },
  log: readonly AuditedManifest[],
  table: string,
): Promise<ReadonlyMap<string, number>> {
  const { s3, bucket } = client();
  const files = log.flatMap((manifest) => manifest.tables.filter((t) => t.table === table).flatMap((t) => t.files));
  const paths: string[] = [];
  for (const [i, file] of files.entries()) {
    const bytes = await read(s3, bucket, `${at.prefix}/${at.pipeline}/${file.key}`);
    if (createHash('sha256').update(bytes).digest('hex') !== file.sha256) throw new Error(`${file.key} is damaged`);
    const path = join(at.folder, `audit-${table}-${i}.parquet`);
    writeFileSync(path, bytes);
    paths.push(path);
  }
  if (paths.length === 0) return new Map();
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const list = paths.map((path) => `'${path}'`).join(', ');
  const result = await connection.runAndReadAll(
    `select version::varchar, count(*)::int from read_parquet([${list}], hive_partitioning = false) where _op <> 'd' group by 1`,
  );
  connection.closeSync();
  instance.closeSync();
  return new Map(result.getRows().map(([version, count]) => [String(version), Number(count)]));
}

/** Keys of all objects below one of the pipeline's folders. */
export async function lakeKeys(
  { prefix, pipeline }: { readonly prefix: string; readonly pipeline: string },
  folder: 'data' | 'snapshot' | 'records',
): Promise<readonly string[]> {
  const { s3, bucket } = client();
  const root = `${prefix}/${pipeline}/`;
  const keys: string[] = [];
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: `${root}${folder}/` })) {
    for (const { Key = '' } of page.Contents ?? []) keys.push(Key.slice(root.length));
  }
  return keys;
}

/** One object, parsed. */
export async function lakeJson(
  { prefix, pipeline }: { readonly prefix: string; readonly pipeline: string },
  key: string,
): Promise<unknown> {
  const { s3, bucket } = client();
  return JSON.parse((await read(s3, bucket, `${prefix}/${pipeline}/${key}`)).toString('utf8'));
}

function client(): { s3: S3Client; bucket: string } {
  const { endpoint, region, accessKeyId, secretAccessKey, bucket } = inject('servers').s3;
  const credentials = { accessKeyId, secretAccessKey };
  return { s3: new S3Client({ endpoint, region, credentials, forcePathStyle: true }), bucket };
}

async function read(s3: S3Client, bucket: string, key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}
