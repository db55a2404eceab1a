// Keeps an idle source from retaining WAL: empty manifests move its slot, seldom by themselves, at once when someone waits
// for a position. Invariant: only a position outside any transaction, with nothing pending, is landed.

import { safely } from '../../workflows/model/callback.ts';
import { earlierLsn, type Lsn } from '../../workflows/model/lsn.ts';
import type { Landing } from './landing.ts';

/** An idle source costs at most one object a minute … */
const EMPTY_AFTER_MS = 60_000;
/** … or one for so much WAL of others, so that the traffic of other databases never fills the disk. */
const EMPTY_AFTER_BYTES = 16n * 1024n * 1024n;
/** How often the server is asked for a keepalive while someone waits. */
const PING_MS = 20;
/** … and otherwise: on its own it sends one only every half `wal_sender_timeout`, too seldom to measure freshness. */
const QUIET_PING_MS = 2_000;
/** Any role may send a NOTIFY, so nudges, however many and for whatever position, cost at most one object in this time. */
const NUDGE_EVERY_MS = 250;

interface Idle {
  readonly landing: Pick<Landing, 'idleAt' | 'landEmpty'>;
  readonly durableLsn: () => Lsn;
  /** Asks the server for a keepalive. */
  readonly ping: () => void;
  /** End of the source's WAL. */
  readonly insertLsn: () => Promise<Lsn>;
}

export class IdleLanding {
  readonly #landing: Idle['landing'];
  readonly #durableLsn: () => Lsn;
  readonly #ping: () => void;
  readonly #insertLsn: () => Promise<Lsn>;
  readonly #quiet: NodeJS.Timeout;
  #nudgedLsn: Lsn = 0n;
  #nudgeTimer: NodeJS.Timeout | null = null;
  #lastNudgeMs = Number.NEGATIVE_INFINITY;
  #wantedLsn: Lsn = 0n;
  #lastMovedMs = performance.now();
  #lastDurableLsn: Lsn = 0n;
  #pinging: NodeJS.Timeout | null = null;
  #closed = false;
  readonly #failed = Promise.withResolvers<never>();

  constructor({ landing, durableLsn, ping, insertLsn }: Idle) {
    this.#landing = landing;
    this.#durableLsn = durableLsn;
    this.#ping = ping;
    this.#insertLsn = insertLsn;
    this.failed.catch(() => {});
    this.#quiet = setInterval(safely(ping, this.#failed.reject), QUIET_PING_MS);
  }

  /** Rejects with what a timer meets. */
  get failed(): Promise<never> {
    return this.#failed.promise;
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

  /** A nudge for a position, which the source may not have reached. The first one is served at once. */
  nudge(lsn: Lsn): void {
    if (lsn <= this.#durableLsn()) return;
    if (lsn > this.#nudgedLsn) this.#nudgedLsn = lsn;
    const waitMs = Math.max(0, this.#lastNudgeMs + NUDGE_EVERY_MS - performance.now());
    this.#nudgeTimer ??= setTimeout(
      safely(() => this.#serveNudges(), this.#failed.reject),
      waitMs,
    );
  }

  /** Never asks for more than the end of the WAL: that would cost an object every few milliseconds, for ever. */
  async #serveNudges(): Promise<void> {
    const nudged = this.#nudgedLsn;
    this.#nudgedLsn = 0n;
    this.#nudgeTimer = null;
    this.#lastNudgeMs = performance.now();
    // If the connection is lost the attempt ends, and waiters nudge the next one.
    const end = await this.#insertLsn().catch(() => 0n);
    if (!this.#closed) this.want(earlierLsn(nudged, end));
  }

  /** Someone waits until this position, which the source has reached, is in the lake. */
  want(lsn: Lsn): void {
    if (lsn > this.#wantedLsn) this.#wantedLsn = lsn;
    if (this.#pinging !== null || this.#durableLsn() >= this.#wantedLsn) return;
    const ping = () => {
      if (this.#durableLsn() >= this.#wantedLsn) this.#stopPinging();
      else this.#ping();
    };
    this.#pinging = setInterval(safely(ping, this.#failed.reject), PING_MS);
    this.#ping();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#quiet);
    if (this.#nudgeTimer !== null) clearTimeout(this.#nudgeTimer);
    this.#stopPinging();
  }

  #stopPinging(): void {
    if (this.#pinging !== null) clearInterval(this.#pinging);
    this.#pinging = null;
  }
}
