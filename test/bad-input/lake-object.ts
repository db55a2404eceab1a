// A pipeline's objects in the store, changed behind its back: by someone with the bucket's credentials.

import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { inject } from 'vitest';
import type { Rig } from '../support/rig.ts';

export class LakeObjects {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #root: string;

  constructor({ prefix, pipeline }: Rig) {
    const { endpoint, region, accessKeyId, secretAccessKey, bucket } = inject('servers').s3;
    this.#client = new S3Client({
      endpoint,
      region,
      credentials: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
    });
    this.#bucket = bucket;
    this.#root = `${prefix}/${pipeline}/`;
  }

  async read(key: string): Promise<Buffer> {
    const { Body } = await this.#client.send(new GetObjectCommand(this.#at(key)));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  async write(key: string, body: Buffer | string): Promise<void> {
    await this.#client.send(new PutObjectCommand({ ...this.#at(key), Body: body }));
  }

  /** The object loses its second half. */
  async truncate(key: string): Promise<void> {
    const body = await this.read(key);
    await this.write(key, body.subarray(0, body.length / 2));
  }

  async remove(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand(this.#at(key)));
  }

  /** Keys below a prefix, in key order. */
  async list(prefix: string): Promise<readonly string[]> {
    const request = { Bucket: this.#bucket, Prefix: this.#root + prefix };
    const { Contents = [] } = await this.#client.send(new ListObjectsV2Command(request));
    return Contents.map(({ Key = '' }) => Key.slice(this.#root.length)).sort();
  }

  #at(key: string) {
    return { Bucket: this.#bucket, Key: this.#root + key };
  }
}
