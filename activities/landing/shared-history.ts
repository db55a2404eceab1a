// Does the server still have the history that is in the lake? One that was restored from a backup and has written on can be
// beyond the lake's end and look the same: only what it sends again shows the difference. Until everything up to the lake's
// end has been sent, nothing may be acknowledged, because the server would then remove the evidence. Pure.

import { isoFromMicros } from '../../workflows/model/commit-time.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { type Lsn, lsnToText, parseLsn } from '../../workflows/model/lsn.ts';
import type { LastCommit } from '../../workflows/model/manifest.ts';

interface Recorded {
  /** The last transaction in the lake; null when there is none. */
  readonly lastCommit: LastCommit | null;
  /** End of the manifest log. */
  readonly endLsn: Lsn;
  /** Up to where the slot was acknowledged: every transaction that commits at or after it is sent, or sent again. */
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

  /** The server has sent everything up to the lake's end, and nothing contradicts the lake. */
  get proven(): boolean {
    return this.#proven;
  }

  /** A transaction that the lake covers is sent again. */
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
   * A covered transaction that is sent again changes a captured table.
   * @param sinceLsn from here on the lake holds every change of the table
   */
  resentChange(commitLsn: Lsn, table: string, sinceLsn: Lsn): void {
    if (commitLsn <= this.#lastLsn || commitLsn < sinceLsn) return;
    throw forked(`the transaction at ${lsnToText(commitLsn)} changes ${table}, but the lake has no transaction there`);
  }

  /** The server has sent everything before this position. */
  passed(lsn: Lsn): void {
    if (this.#proven) return;
    if (lsn > this.#lastLsn) this.#assertNotAwaited();
    this.#proven = lsn >= this.#recorded.endLsn;
  }

  #assertNotAwaited(): void {
    if (!this.#awaited) return;
    throw forked(`the server did not send again the transaction at ${lsnToText(this.#lastLsn)}, which is in the lake`);
  }
}

function forked(what: string): WalflowError {
  return new WalflowError('SOURCE_FORKED', `${what}: the source was restored or failed over to another history`);
}
