// The manifest log: one object per manifest, numbered without gaps, each stored by a conditional PUT. Invariant: number n
// exists only if n - 1 does, so existence alone tells where the log ends; a listing (eventually complete, paged) never
// decides. Nothing here knows S3.

import { WalflowError } from '../../workflows/model/errors.ts';
import type { Manifest, StoredManifest } from '../../workflows/model/manifest.ts';
import { decodeManifest, type EncodedObject, encodeManifest } from './manifest-codec.ts';
import { manifestKey } from './object-key.ts';

/** What the log needs of the store that holds it; keys are relative to the pipeline's folder. */
export interface ManifestStore {
  /** Null where there is no such object. */
  get(key: string): Promise<Buffer | null>;
  /** LAKE_UNREACHABLE means: unknown whether it was stored. */
  putIfAbsent(key: string, body: Uint8Array, sha256: string): Promise<'stored' | 'exists'>;
  exists(key: string): Promise<boolean>;
}

/** PUTs of one body before the store counts as unreachable; the store's client retries each of them by itself. */
const APPEND_ATTEMPTS = 3;

/**
 * Number of the last manifest, 0 for an empty log.
 * @param hintSeq a number that existed once; 0 when nothing is known. A wrong hint costs requests, not correctness.
 */
export async function findHead(store: ManifestStore, hintSeq: number): Promise<number> {
  const isThere = (seq: number) => store.exists(manifestKey(seq));
  let present = hintSeq > 0 && (await isThere(hintSeq)) ? hintSeq : 0;
  let absent = present < hintSeq ? hintSeq : 0;
  for (let step = 1; absent === 0; step *= 2) {
    if (await isThere(present + step)) present += step;
    else absent = present + step;
  }
  while (absent - present > 1) {
    const middle = present + Math.floor((absent - present) / 2);
    if (await isThere(middle)) present = middle;
    else absent = middle;
  }
  return present;
}

/**
 * Null where the log ends before `seq`.
 * @throws WalflowError MANIFEST_UNREADABLE, MANIFEST_NEWER, and what the store throws.
 */
export async function readManifest(store: ManifestStore, seq: number): Promise<StoredManifest | null> {
  const key = manifestKey(seq);
  const bytes = await store.get(key);
  return bytes === null ? null : decodeManifest(bytes, key);
}

/**
 * Stores a manifest under its number, or finds that an earlier try of ours did.
 * @throws WalflowError LOG_TAKEN_OVER when another writer's manifest has the number; LAKE_UNREACHABLE when it stays
 * unknown whether ours was stored (the next attempt reads the head and finds out).
 */
export async function appendManifest(store: ManifestStore, manifest: Manifest): Promise<StoredManifest> {
  const key = manifestKey(manifest.seq);
  const encoded = encodeManifest(manifest);
  let lastFailure: unknown;
  for (let attempt = 0; attempt < APPEND_ATTEMPTS; attempt++) {
    const outcome = await tryPut(store, key, encoded);
    if (outcome === 'stored') return { manifest, hash: encoded.hash };
    if (outcome !== 'exists') lastFailure = outcome;
    // A client's retry meets its own first try and is told "exists"; a lost answer tells nothing. The object decides.
    const found = await store.get(key);
    if (found === null) continue;
    // The body holds this attempt's nonce: equal bytes are ours, and nobody else's.
    if (found.equals(encoded.bytes)) return { manifest, hash: encoded.hash };
    throw takenOver(key, found);
  }
  throw new WalflowError('LAKE_UNREACHABLE', `${key} could not be stored in ${APPEND_ATTEMPTS} tries`, {
    cause: lastFailure,
  });
}

/** The failure as a value where the outcome is unknown. */
async function tryPut(
  store: ManifestStore,
  key: string,
  { bytes, hash }: EncodedObject,
): Promise<'stored' | 'exists' | WalflowError> {
  try {
    return await store.putIfAbsent(key, bytes, hash);
  } catch (failure) {
    if (failure instanceof WalflowError && failure.code === 'LAKE_UNREACHABLE') return failure;
    throw failure;
  }
}

function takenOver(key: string, found: Buffer): WalflowError {
  const { writer } = decodeManifest(found, key).manifest;
  const who = `${writer.workflowId} run ${writer.runId} attempt ${writer.attempt}`;
  return new WalflowError('LOG_TAKEN_OVER', `${key} was written by ${who}, nonce ${writer.nonce}`);
}
