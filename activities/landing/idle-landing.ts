// Keeps an idle source from pinning WAL: moves the slot by empty manifests, rarely by itself, at once when someone waits
// for a position. Invariant: only a position outside any transaction, with nothing pending, is ever landed.

import type { Lsn } from '../../workflows/model/lsn.ts';
import type { Landing } from './landing.ts';

/** An idle source costs at most one object a minute… */
const EMPTY_AFTER_MS = 60_000;
/** …or one per this much foreign WAL, so that other databases' traffic never fills the disk. */
const EMPTY_AFTER_BYTES = 16n * 1024n * 1024n;
/** While someone waits, the server is asked this often how far it has read. */
const PING_MS = 20;
/** Otherwise it is asked this often: its own keepalives come only every half `wal_sender_timeout`, and freshness waits. */
const QUIET_PING_MS = 2_000;

export class IdleLanding {
  readonly #landing: Landing;
  readonly #durableLsn: () => Lsn;
  readonly #ping: () => void;
  readonly #quiet: NodeJS.Timeout;
  #wantedLsn: Lsn = 0n;
  #lastMovedMs = performance.now();
  #lastDurableLsn: Lsn = 0n;
  #pinging: NodeJS.Timeout | null = null;

  constructor(landing: Landing, durableLsn: () => Lsn, ping: () => void) {
    this.#landing = landing;
    this.#durableLsn = durableLsn;
    this.#ping = ping;
    this.#quiet = setInterval(ping, QUIET_PING_MS);
  }

  /** The server has sent everything before `walEnd`. */
  keepalive(walEnd: Lsn): void {
    const durable = this.#durableLsn();
    if (durable !== this.#lastDurableLsn) {
      this.#lastDurableLsn = durable;
      this.#lastMovedMs = performance.now();
    }
    if (!this.#landing.idleAt(walEnd)) return;
    const wanted = this.#wantedLsn > durable;
    const old = performance.now() - this.#lastMovedMs >= EMPTY_AFTER_MS;
    if (wanted || old || walEnd - durable >= EMPTY_AFTER_BYTES) this.#landing.landEmpty();
  }

  /** Someone waits until this position is in the lake. */
  want(lsn: Lsn): void {
    if (lsn > this.#wantedLsn) this.#wantedLsn = lsn;
    if (this.#pinging !== null || this.#durableLsn() >= this.#wantedLsn) return;
    this.#pinging = setInterval(() => {
      if (this.#durableLsn() >= this.#wantedLsn) this.#stopPinging();
      else this.#ping();
    }, PING_MS);
    this.#ping();
  }

  close(): void {
    clearInterval(this.#quiet);
    this.#stopPinging();
  }

  #stopPinging(): void {
    if (this.#pinging !== null) clearInterval(this.#pinging);
    this.#pinging = null;
  }
}
