// Is the stream reading old commits? Decided by positions alone, because the clocks of two machines differ: a commit before
// the position where the server stood some time ago is at least that old. Pure: time is a parameter.

import type { Lsn } from '../../workflows/model/lsn.ts';

/** A commit of this age gains nothing by landing a little sooner, and all later ones gain by cheaper landing. */
const OLD_MS = 1_000;

export class Backlog {
  /** Where the server stood at two moments; the newer one counts only once it is old enough. */
  #older = { lsn: 0n, atMs: 0 };
  #newer = { lsn: 0n, atMs: 0 };

  /** The server's WAL reached `lsn` at `nowMs`. */
  reached(lsn: Lsn, nowMs: number): void {
    if (nowMs - this.#newer.atMs < OLD_MS) return;
    this.#older = this.#newer;
    this.#newer = { lsn, atMs: nowMs };
  }

  /** Is the commit at `lsn` old? */
  isBehind(lsn: Lsn, nowMs: number): boolean {
    const { lsn: head } = nowMs - this.#newer.atMs >= OLD_MS ? this.#newer : this.#older;
    return lsn < head;
  }
}
