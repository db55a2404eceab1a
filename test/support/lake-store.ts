// The bucket of the run, read by a client that shares no code with the product. Objects are listed again for every question;
// one is fetched again only when the store's own checksum of it has changed, so that asking often stays cheap.

import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { inject } from 'vitest';

export interface ListedObject {
  readonly key: string;
  /** Changes with the content. */
  readonly etag: string;
  /** The content itself, where it is known already. */
  readonly content?: Buffer;
}

/** What was made of the contents read so far in this test file. */
export type Memory<T> = Map<string, T>;

const AT_ONCE = 16;

let opened: S3Client | null = null;

function s3(): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey } = inject('servers').s3;
  opened ??= new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true });
  return opened;
}

/** Every object below a prefix, in key order. */
export async function listObjects(prefix: string): Promise<readonly ListedObject[]> {
  const listed: ListedObject[] = [];
  const at = { Bucket: inject('servers').s3.bucket, Prefix: prefix };
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3() }, at)) {
    for (const { Key = '', ETag = '' } of Contents) listed.push({ key: Key, etag: ETag });
  }
  return listed.sort((a, b) => (a.key < b.key ? -1 : 1));
}

export async function readObject(key: string): Promise<Buffer> {
  const { Body } = await s3().send(new GetObjectCommand({ Bucket: inject('servers').s3.bucket, Key: key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

/** What `make` makes of each object, in the order given; contents that were read before come from `memory`. */
export async function readEach<T>(
  objects: readonly ListedObject[],
  memory: Memory<T>,
  make: (bytes: Buffer, object: ListedObject) => T,
): Promise<readonly T[]> {
  const nameOf = ({ key, etag }: ListedObject) => `${key} ${etag}`;
  const missing = objects.filter((object) => !memory.has(nameOf(object)));
  const lane = async () => {
    for (let object = missing.pop(); object !== undefined; object = missing.pop()) {
      memory.set(nameOf(object), make(object.content ?? (await readObject(object.key)), object));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return objects.map((object) => memory.get(nameOf(object)) as T);
}
