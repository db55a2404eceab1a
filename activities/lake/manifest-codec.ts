// Encodes and decodes manifests, and checks that each one continues the one before. The hash of a manifest is the hash of
// its stored bytes, which are never encoded again. The JSON is indented, because a person with `less` and a broken pipeline
// reads it too, and a manifest is small compared to the files it names or holds.

import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { type ErrorCode, WalflowError } from '../../workflows/model/errors.ts';
import {
  type ChunkMarker,
  FIRST_FORMAT_VERSION,
  MANIFEST_FORMAT_VERSION,
  type Manifest,
  type SnapshotComplete,
  type SnapshotFailure,
  type StoredManifest,
} from '../../workflows/model/manifest.ts';
import { chunkMarkerSchema, manifestSchema, snapshotCompleteSchema, snapshotFailureSchema } from './manifest-schema.ts';
import { manifestKey } from './object-key.ts';

export interface EncodedObject {
  readonly bytes: Buffer;
  /** Hex SHA-256 of `bytes`. */
  readonly hash: string;
}

const INDENT = 2;

/** The bytes to store. Throws (INTERNAL) for what `decodeManifest` would not read. */
export function encodeManifest(manifest: Manifest): EncodedObject {
  return encode(manifestSchema, manifest, manifestKey(manifest.seq));
}

/**
 * @param key where the bytes were found: named in messages, and its number must be the manifest's.
 * @throws WalflowError MANIFEST_UNREADABLE (truncated, foreign, wrong types), MANIFEST_NEWER.
 */
export function decodeManifest(bytes: Buffer, key: string): StoredManifest {
  const manifest = decode(manifestSchema, bytes, key, { newest: MANIFEST_FORMAT_VERSION });
  if (manifestKey(manifest.seq) !== key) {
    throw new WalflowError('MANIFEST_UNREADABLE', `${key} holds manifest ${manifest.seq}`);
  }
  return { manifest, hash: hashOf(bytes) };
}

/** The bytes of a snapshot's `complete.json`. */
export function encodeSnapshotComplete(complete: SnapshotComplete): EncodedObject {
  return encode(snapshotCompleteSchema, complete, `snapshot ${complete.id} of ${complete.table}`);
}

/** Throws as `decodeManifest` does. */
export function decodeSnapshotComplete(bytes: Buffer, key: string): SnapshotComplete {
  return decode(snapshotCompleteSchema, bytes, key);
}

/** The bytes of a snapshot's `failed.json`. */
export function encodeSnapshotFailure(failure: SnapshotFailure): EncodedObject {
  return encode(snapshotFailureSchema, failure, `failure of snapshot ${failure.id} of ${failure.table}`);
}

/** Throws as `decodeManifest` does. */
export function decodeSnapshotFailure(bytes: Buffer, key: string): SnapshotFailure {
  return decode(snapshotFailureSchema, bytes, key);
}

/** The bytes of a chunk marker, to be stored under `key`. */
export function encodeChunkMarker(marker: ChunkMarker, key: string): EncodedObject {
  return encode(chunkMarkerSchema, marker, key);
}

/** @throws WalflowError DATA_FILE_DAMAGED: only a new snapshot helps. */
export function decodeChunkMarker(bytes: Buffer, key: string): ChunkMarker {
  return decode(chunkMarkerSchema, bytes, key, { unreadable: 'DATA_FILE_DAMAGED' });
}

/**
 * Checks that `next` continues the log where `previous` ends (null = before manifest 1).
 * @throws WalflowError LOG_BROKEN.
 */
export function assertFollows(previous: StoredManifest | null, next: StoredManifest): void {
  const problem = problemBetween(previous, next.manifest);
  if (problem !== null) throw new WalflowError('LOG_BROKEN', `manifest ${next.manifest.seq} ${problem}`);
}

function problemBetween(previous: StoredManifest | null, next: Manifest): string | null {
  if (previous === null) return next.seq === 1 ? null : 'was read as the first one of the log';
  const before = previous.manifest;
  if (next.seq !== before.seq + 1) return `was read after manifest ${before.seq}`;
  if (next.pipeline !== before.pipeline) return `belongs to pipeline ${next.pipeline}, not ${before.pipeline}`;
  if (next.previousHash !== previous.hash) return `does not continue the manifest ${before.seq} that is in the log`;
  if (next.epochNo < before.epochNo) return `is of epoch ${next.epochNo}, after epoch ${before.epochNo}`;
  if (next.epochNo > before.epochNo) return null;
  if (!sameEpoch(before, next)) return `names another slot or server for epoch ${next.epochNo}`;
  return next.startLsn === before.endLsn
    ? null
    : `starts at ${next.startLsn}, but the one before it ends at ${before.endLsn}`;
}

function sameEpoch({ epoch: a }: Manifest, { epoch: b }: Manifest): boolean {
  return a.systemIdentifier === b.systemIdentifier && a.slot === b.slot && a.consistentPoint === b.consistentPoint;
}

function encode<T>(schema: z.ZodType<T>, value: T, what: string): EncodedObject {
  const checked = schema.safeParse(value);
  if (!checked.success) throw new WalflowError('INTERNAL', `${what} is not stored: ${firstIssue(checked.error)}`);
  const bytes = Buffer.from(`${JSON.stringify(checked.data, null, INDENT)}\n`, 'utf8');
  return { bytes, hash: hashOf(bytes) };
}

interface Expected {
  readonly newest?: number;
  readonly unreadable?: ErrorCode;
}

function decode<T>(
  schema: z.ZodType<T>,
  bytes: Buffer,
  key: string,
  { newest = FIRST_FORMAT_VERSION, unreadable = 'MANIFEST_UNREADABLE' }: Expected = {},
): T {
  const json = parseJson(bytes, key, unreadable);
  const version = formatVersionOf(json);
  if (version > newest) {
    const known = `this walflow reads up to version ${newest}`;
    throw new WalflowError('MANIFEST_NEWER', `${key} has format version ${version}, ${known}`);
  }
  const checked = schema.safeParse(json);
  if (!checked.success) throw new WalflowError(unreadable, `${key}: ${firstIssue(checked.error)}`);
  return checked.data;
}

function parseJson(bytes: Buffer, key: string, unreadable: ErrorCode): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new WalflowError(
      unreadable,
      `${key} (${bytes.length} bytes) is not JSON: truncated, or not written by walflow`,
      {
        cause,
      },
    );
  }
}

/** 0 when there is none: the schema then reports what is wrong. */
function formatVersionOf(json: unknown): number {
  if (typeof json !== 'object' || json === null || !('formatVersion' in json)) return 0;
  return typeof json.formatVersion === 'number' ? json.formatVersion : 0;
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? 'malformed' : `${issue.path.join('.') || 'the object'}: ${issue.message}`;
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
