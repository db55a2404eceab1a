// Keeps an idle source from retaining WAL: empty manifests move its slot, seldom by themselves, at once when someone waits
// for a position. Invariant: only a position outside any transaction, with nothing pending, is landed.

import type { Lsn } from '../../workflows/model/lsn.ts';
import type { Landing } from './landing.ts';

/** An idle source costs at most one object a minute … */
const EMPTY_AFTER_MS = 60_000;
/** … or one for so much WAL of others, so that the traffic of other databases never fills the disk. */
const EMPTY_AFTER_BYTES = 16n * 1024n * 1024n;
/** How often the server is asked for a keepalive while someone waits. */
const PING_MS = 20;
/** … and otherwise: on its own it sends one only every half `wal_sender_timeout`, too seldom to measure freshness. */
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

  /** A nudge: someone waits until this position is in the lake. */
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
