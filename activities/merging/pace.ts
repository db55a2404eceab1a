// How often a merge works and looks. A window costs most of its time before its first row, so under light traffic merges
// take turns with rests, and several small manifests become one window. Pure.

/** A merge of small windows takes at most a quarter of a core's time, however busy the machine is. */
const REST_SHARE = 3;
const MAX_REST_MS = 150;
/** A manifest is noticed late by this share of the time that passed without one, or less. */
const LOOK_SHARE = 1 / 8;
const MAX_LOOK_MS = 150;

/** Between a small window that took `mergeMs` and the look for the next. */
export function restMs(mergeMs: number): number {
  return Math.min(MAX_REST_MS, REST_SHARE * mergeMs);
}

/**
 * Until the log is looked at again.
 * @param idleMs since something was found
 * @param pollMs the shortest time between two looks
 */
export function lookAgainMs(idleMs: number, pollMs: number): number {
  return Math.max(pollMs, Math.min(MAX_LOOK_MS, idleMs * LOOK_SHARE));
}
