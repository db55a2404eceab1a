// Does the stream read what was committed a while ago? Told by positions alone, because the clocks of two machines differ:
// a commit that lies before where the server stood some time ago is at least that old. Pure: time is a parameter.

import type { Lsn } from '../../workflows/model/lsn.ts';

/** From this age on a commit gains nothing by landing soon, and all later ones gain by its landing cheaply. */
const OLD_MS = 1_000;

export class Backlog {
  /** Where the server stood, and when; the newer one is not old enough for a while after it was asked. */
  #older = { lsn: 0n, atMs: 0 };
  #newer = { lsn: 0n, atMs: 0 };

  /** The server's log reached `lsn` at `nowMs`. */
  reached(lsn: Lsn, nowMs: number): void {
    if (nowMs - this.#newer.atMs < OLD_MS) return;
    this.#older = this.#newer;
    this.#newer = { lsn, atMs: nowMs };
  }

  /** Was the commit at `lsn` made some time ago? */
  isBehind(lsn: Lsn, nowMs: number): boolean {
    const { lsn: head } = nowMs - this.#newer.atMs >= OLD_MS ? this.#newer : this.#older;
    return lsn < head;
  }
}
