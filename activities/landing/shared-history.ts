// Is the log that is being read the one the lake was made of? A server that was restored, and has written on, can stand
// beyond the lake's end and look like the same: only what it sends again tells. Until everything up to the lake's end has
// passed, nothing may be acknowledged: that would make the server forget the evidence. Pure.

import { isoFromMicros } from '../../workflows/model/commit-time.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { type Lsn, lsnToText, parseLsn } from '../../workflows/model/lsn.ts';
import type { LastCommit } from '../../workflows/model/manifest.ts';

interface Recorded {
  /** The last transaction the log recorded; null for a log that has none. */
  readonly lastCommit: LastCommit | null;
  /** End of the log. */
  readonly endLsn: Lsn;
  /** What the slot was acknowledged up to: every transaction that commits at or behind it is sent (again). */
  readonly resumeLsn: Lsn;
}

export class SharedHistory {
  readonly #recorded: Recorded;
  readonly #lastLsn: Lsn;
  /** The last recorded transaction must still be sent again. */
  #awaited: boolean;
  #proven = false;

  constructor(recorded: Recorded) {
    this.#recorded = recorded;
    this.#lastLsn = recorded.lastCommit === null ? 0n : parseLsn(recorded.lastCommit.lsn);
    this.#awaited = recorded.lastCommit !== null && this.#lastLsn >= recorded.resumeLsn;
  }

  /** The server has sent everything up to the lake's end, and nothing contradicted the lake. */
  get proven(): boolean {
    return this.#proven;
  }

  /** A transaction the lake covers is sent again. */
  resent(commitLsn: Lsn, commitTimeUs: number, xid: number): void {
    const { lastCommit } = this.#recorded;
    if (lastCommit === null || commitLsn < this.#lastLsn) return;
    if (commitLsn > this.#lastLsn) {
      this.#assertNotAwaited();
      return;
    }
    if (lastCommit.xid !== xid || lastCommit.time !== isoFromMicros(commitTimeUs)) {
      throw forked(`the transaction at ${lsnToText(commitLsn)} is not the one the lake recorded there`);
    }
    this.#awaited = false;
  }

  /**
   * A covered transaction changes a table the lake followed already.
   * @param sinceLsn from where on the lake holds every change of the table
   */
  resentChange(commitLsn: Lsn, table: string, sinceLsn: Lsn): void {
    if (commitLsn <= this.#lastLsn || commitLsn < sinceLsn) return;
    throw forked(`the transaction at ${lsnToText(commitLsn)} changes ${table}, the lake knows of none there`);
  }

  /** The server has sent everything before this position. */
  passed(lsn: Lsn): void {
    if (this.#proven) return;
    if (lsn > this.#lastLsn) this.#assertNotAwaited();
    this.#proven = lsn >= this.#recorded.endLsn;
  }

  #assertNotAwaited(): void {
    if (!this.#awaited) return;
    throw forked(
      `the server did not send the transaction at ${lsnToText(this.#lastLsn)} again, which the lake recorded`,
    );
  }
}

function forked(what: string): WalflowError {
  return new WalflowError('SOURCE_FORKED', `${what}: the source was restored or failed over to another history`);
}
