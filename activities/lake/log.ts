// Station 6 on a row's way, the commit point: the manifest log. One object per manifest, numbered without gaps, each stored
// by a conditional PUT. Invariant: number n exists only if n - 1 does, so existence alone shows where the log ends; a
// listing, which may be late, never decides. Nothing here knows S3.

import { WalflowError } from '../../workflows/model/errors.ts';
import type { Manifest, StoredManifest } from '../../workflows/model/manifest.ts';
import { decodeManifest, type EncodedObject, encodeManifest } from './manifest-codec.ts';
import { manifestKey } from './object-key.ts';

/** What the manifest log needs from its store; keys are relative to the pipeline's folder. */
export interface ManifestStore {
  /** Null when there is no such object. */
  get(key: string): Promise<Buffer | null>;
  /** After LAKE_UNREACHABLE it is unknown whether the object was stored. */
  putIfAbsent(key: string, body: Uint8Array, sha256: string): Promise<'stored' | 'exists'>;
  exists(key: string): Promise<boolean>;
}

/** How often one body is PUT before the store counts as unreachable; the S3 client also retries each PUT. */
const APPEND_ATTEMPTS = 3;

/**
 * Number of the last manifest, 0 for an empty log.
 * @param hintSeq a number that is thought to exist; 0 = not known. A wrong hint costs requests, not correctness.
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
 * Manifest `seq`; null when the log ends before it.
 * @throws WalflowError MANIFEST_UNREADABLE, MANIFEST_NEWER, and what the store throws.
 */
export async function readManifest(store: Pick<ManifestStore, 'get'>, seq: number): Promise<StoredManifest | null> {
  const key = manifestKey(seq);
  const bytes = await store.get(key);
  return bytes === null ? null : decodeManifest(bytes, key);
}

/**
 * Stores a manifest under its number, or finds that an earlier try of this call has.
 * @throws WalflowError LOG_TAKEN_OVER when another writer's manifest has the number; LAKE_UNREACHABLE when it remains
 * unknown whether ours was stored (the next attempt reads the head of the log and finds out).
 */
export async function appendManifest(store: ManifestStore, manifest: Manifest): Promise<StoredManifest> {
  const key = manifestKey(manifest.seq);
  const encoded = encodeManifest(manifest);
  let lastFailure: unknown;
  for (let attempt = 0; attempt < APPEND_ATTEMPTS; attempt++) {
    const outcome = await tryPut(store, key, encoded);
    if (outcome === 'stored') return { manifest, hash: encoded.hash };
    if (outcome !== 'exists') lastFailure = outcome;
    // "exists" may be the client's retry that met its own first try, and after a lost answer nothing is known: the object
    // itself decides.
    const found = await store.get(key);
    if (found === null) continue;
    // The body contains this attempt's nonce, so equal bytes can only be ours.
    if (found.equals(encoded.bytes)) return { manifest, hash: encoded.hash };
    throw takenOver(key, found);
  }
  throw new WalflowError('LAKE_UNREACHABLE', `${key} could not be stored in ${APPEND_ATTEMPTS} attempts`, {
    cause: lastFailure,
  });
}

/** Returns the failure when the outcome is unknown. */
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
