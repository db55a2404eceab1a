// How often a merge works and looks. A window costs most of its time before its first row, so under light traffic merges
// take turns with rests, and several small manifests become one window. Pure.

/** A merge of small windows takes at most a quarter of a core's time, however busy the machine is. */
const REST_SHARE = 3;
const MAX_REST_MS = 150;
/** A manifest is noticed late by this share of the time that passed without one, or less. */
const LOOK_SHARE = 1 / 8;
const MAX_LOOK_MS = 150;

/** Manifests of light traffic come as far apart as the writer waits: before this share of that, a look is in vain. */
const EXPECTED_SHARE = 0.9;
/** Some come sooner: for who waits for a position, or with a new shape of a table. */
const MAX_EXPECTED_MS = 250;

/**
 * Between a small window that took `mergeMs` and the look for the next.
 * @param sinceLandedMs since its manifest landed; null when that is not known, because it was there already
 * @param everyMs how far apart manifests of light traffic come
 */
export function restMs(mergeMs: number, sinceLandedMs: number | null, everyMs: number): number {
  const rest = Math.min(MAX_REST_MS, REST_SHARE * mergeMs);
  if (sinceLandedMs === null) return rest;
  return Math.max(rest, Math.min(MAX_EXPECTED_MS, EXPECTED_SHARE * everyMs) - sinceLandedMs);
}

/**
 * Until the log is looked at again.
 * @param idleMs since something was found
 * @param pollMs the shortest time between two looks
 */
export function lookAgainMs(idleMs: number, pollMs: number): number {
  return Math.max(pollMs, Math.min(MAX_LOOK_MS, idleMs * LOOK_SHARE));
}
