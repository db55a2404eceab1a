// Station 5 on a row's way: one pipeline's objects in S3, with keys relative to its folder. A PUT carries the SHA-256 of its
// body, so the store refuses a body damaged on the way. `getToFile` checks what it reads against the manifest's checksum;
// callers of `get` check it themselves. No listing decides anything.

import { randomUUID } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { WalflowError } from '../../../workflows/model/errors.ts';
import { proveConditionalWrites } from './conditional-write-probe.ts';
import { type ExpectedFile, saveVerified } from './download.ts';
import { isConflict, isMissingObject, isNotImplemented, isPreconditionFailed, lakeFailure } from './failure.ts';

export interface S3LakeOptions {
  readonly bucket: string;
  /** The pipeline's folder, without slashes at either end. */
  readonly prefix: string;
  /** For stores other than AWS; switches to path-style addresses. */
  readonly endpoint?: string;
  /** Default: AWS conventions (AWS_REGION, profile). */
  readonly region?: string;
  /** Default: AWS conventions (environment, profile, instance role, …). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** A read that gets no bytes for this long is repeated; uploads get more time. Default 15,000. */
  readonly requestTimeoutMs?: number;
}

export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  readonly modifiedAtMs: number;
}

/** One try and three retries, with the SDK's backoff. */
const TRIES = 4;
const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 15_000;
/**
 * The SDK's time for an answer begins before the body is sent, so an upload gets time for its body at 64 KiB/s. Otherwise a
 * large file on a slow line would be given up at the same place every time. Silence still ends a dead connection.
 */
const SLOWEST_BYTES_PER_MS = 64;
/** The operating system takes so much of a body at once (Linux: tcp_wmem); until that is sent, the socket is silent. */
const SEND_BUFFER_BYTES = 4 * 1024 * 1024;
/** Up to this size an object is read as a whole. */
const SMALL_BYTES = 256 * 1024;
/** Uploads of a batch, the read-ahead of a merge and downloads run side by side. */
const MAX_SOCKETS = 64;

export class S3Lake {
  readonly #client: S3Client;
  /** Separate, because the SDK's limit on silence is set per client, and reads may be given up sooner. */
  readonly #uploads: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #requestTimeoutMs: number;

  constructor(options: S3LakeOptions) {
    this.#requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    this.#client = new S3Client(clientConfig(options, this.#requestTimeoutMs, this.#requestTimeoutMs));
    const silenceMs = this.#requestTimeoutMs + SEND_BUFFER_BYTES / SLOWEST_BYTES_PER_MS;
    this.#uploads = new S3Client(clientConfig(options, this.#requestTimeoutMs, silenceMs));
    this.#bucket = options.bucket;
    this.#prefix = options.prefix === '' ? '' : `${options.prefix}/`;
  }

  /**
   * Stores an object unless the key is taken.
   * @param sha256 of `body`, in hex: the store refuses a body that does not match.
   * @throws WalflowError LAKE_UNREACHABLE (it is then unknown whether it was stored), LAKE_BUCKET_MISSING, LAKE_ACCESS_DENIED,
   * LAKE_NO_CONDITIONAL_WRITES.
   */
  async putIfAbsent(key: string, body: Uint8Array, sha256: string): Promise<'stored' | 'exists'> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#put(key, body, { IfNoneMatch: '*', ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64') });
        return 'stored';
      } catch (failure) {
        if (isPreconditionFailed(failure)) return 'exists';
        if (isConflict(failure) && attempt < TRIES) continue;
        if (isNotImplemented(failure)) {
          throw new WalflowError('LAKE_NO_CONDITIONAL_WRITES', `bucket ${this.#bucket} refuses If-None-Match`);
        }
        throw this.#failure(failure, `PUT ${key}`);
      }
    }
  }

  /** Stores a text and replaces what is there: only for notes that nothing depends on. */
  async putText(key: string, text: string): Promise<void> {
    await this.#wrap(`PUT ${key}`, () => this.#put(key, Buffer.from(text, 'utf8'), {}));
  }

  /** A whole small object; null when there is none. */
  async get(key: string): Promise<Buffer | null> {
    return await this.#read(key, async (body) => Buffer.from(await body.transformToByteArray()));
  }

  /**
   * Saves an object as a file, whole and verified or not at all: it gets its name by a rename.
   * @throws WalflowError DATA_FILE_DAMAGED when it is missing, or differs in length or checksum.
   */
  async getToFile(key: string, path: string, expected: ExpectedFile): Promise<void> {
    const saved = await this.#read(key, async (body, length) => {
      // Streams cost more processor time than all the rest of a small request.
      const isSmall = length === expected.bytes && length <= SMALL_BYTES;
      const content = isSmall ? await body.transformToByteArray() : body.transformToWebStream();
      await saveVerified(content, path, key, expected);
      return true;
    });
    if (saved === null) throw new WalflowError('DATA_FILE_DAMAGED', `${key} is not in the lake`);
  }

  async exists(key: string): Promise<boolean> {
    try {
      await this.#client.send(new HeadObjectCommand(this.#address(key)));
      return true;
    } catch (failure) {
      if (isMissingObject(failure)) return false;
      throw this.#failure(failure, `HEAD ${key}`);
    }
  }

  /** Everything below a key prefix, in key order. For sweeping and for people: do not conclude that an object is absent. */
  async *list(prefix: string): AsyncGenerator<ListedObject> {
    const request = { Bucket: this.#bucket, Prefix: this.#prefix + prefix };
    const pages = paginateListObjectsV2({ client: this.#client }, request);
    try {
      for await (const page of pages) {
        for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
          yield { key: Key.slice(this.#prefix.length), bytes: Size, modifiedAtMs: LastModified?.getTime() ?? 0 };
        }
      }
    } catch (failure) {
      throw this.#failure(failure, `LIST ${prefix}`);
    }
  }

  /** Removes an object, if it exists. */
  async remove(key: string): Promise<void> {
    await this.#wrap(`DELETE ${key}`, () => this.#client.send(new DeleteObjectCommand(this.#address(key))));
  }

  /**
   * Lets writers race for a fresh key of an existing bucket: exactly one may win. With SeaweedFS, which passes its lock on
   * in steps of a second, this takes several seconds.
   * @throws WalflowError LAKE_NO_CONDITIONAL_WRITES, and what `putIfAbsent` throws.
   */
  async provesConditionalWrites(): Promise<void> {
    await this.#assertBucket();
    await proveConditionalWrites(this, () => `probe/${randomUUID()}`);
  }

  /** Closes idle connections. */
  close(): void {
    this.#client.destroy();
    this.#uploads.destroy();
  }

  /** Some stores create a bucket on the first PUT into it: a misspelt name would become an empty lake without notice. */
  async #assertBucket(): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }));
    } catch (failure) {
      if (!isMissingObject(failure)) throw this.#failure(failure, 'HEAD');
      throw new WalflowError('LAKE_BUCKET_MISSING', `there is no bucket ${this.#bucket}`, { cause: failure });
    }
  }

  /** Runs `use` on an object's body; null when there is no such object. A body that breaks off is read again. */
  async #read<T>(key: string, use: (body: ObjectBody, length: number | undefined) => Promise<T>): Promise<T | null> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { Body, ContentLength } = await this.#client.send(new GetObjectCommand(this.#address(key)));
        return Body === undefined ? null : await use(Body, ContentLength);
      } catch (failure) {
        if (isMissingObject(failure)) return null;
        const named = this.#failure(failure, `GET ${key}`);
        if (named.code !== 'LAKE_UNREACHABLE' || attempt >= TRIES) throw named;
      }
    }
  }

  async #put(
    key: string,
    body: Uint8Array,
    headers: { readonly IfNoneMatch?: string; readonly ChecksumSHA256?: string },
  ): Promise<void> {
    const request = { ...this.#address(key), Body: body, ContentLength: body.length, ...headers };
    const requestTimeout = this.#requestTimeoutMs + Math.ceil(body.length / SLOWEST_BYTES_PER_MS);
    await this.#uploads.send(new PutObjectCommand(request), { requestTimeout });
  }

  async #wrap(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (failure) {
      throw this.#failure(failure, what);
    }
  }

  #failure(failure: unknown, what: string): WalflowError {
    return lakeFailure(failure, what, this.#bucket);
  }

  #address(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }
}

type ObjectBody = NonNullable<GetObjectCommandOutput['Body']>;

function clientConfig(options: S3LakeOptions, requestTimeoutMs: number, socketTimeoutMs: number): S3ClientConfig {
  const { endpoint, region, credentials } = options;
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  return {
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: TRIES,
    // Bodies carry our SHA-256; some stores refuse the CRC trailers the SDK would add.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      socketTimeout: socketTimeoutMs,
      httpAgent: agent,
      httpsAgent: agent,
    },
  };
}
