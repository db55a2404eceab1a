// Which snapshots of one process may read at once, and which may wait. One that waits for transactions of the source holds
// no place: a table behind it is read meanwhile.

import { setTimeout as sleep } from 'node:timers/promises';
import { WalflowError } from '../../workflows/model/errors.ts';

/** Each holds a connection and a chunk of rows, or two, in memory. Two keep the source and the encoder busy. */
const READING_AT_ONCE = 2;
/** A slot that takes longer to create waits for transactions: nobody else stands behind it. */
const CREATING_PATIENCE_MS = 3_000;
const LOOK_MS = 100;

/** Gives a place back; a second call does nothing. */
export type Leave = () => void;

export class SnapshotPlaces {
  readonly #nowMs: () => number;
  #reading = 0;
  readonly #queue: (() => void)[] = [];
  #creatingSinceMs: number | null = null;
  /**
   * By R0: the transactions to wait for are those that the first attempt found, or a busy source would never let one begin.
   * Null once all of them have ended, for every table that has this R0.
   */
  readonly #horizons = new Map<string, string | null>();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Resolves when one of the places for reading is free, in the order of asking. */
  async enterReading(): Promise<Leave> {
    if (this.#reading < READING_AT_ONCE) return this.takeReading();
    return await new Promise((resolve) => this.#queue.push(() => resolve(this.takeReading())));
  }

  /** For a snapshot with an open transaction: if it waited, the source could not clean up its tables meanwhile. */
  takeReading(): Leave {
    this.#reading += 1;
    return once(() => {
      this.#reading -= 1;
      if (this.#reading < READING_AT_ONCE) this.#queue.shift()?.();
    });
  }

  /**
   * Resolves when no other snapshot creates a slot.
   * @throws WalflowError SNAPSHOT_WAITS when the other one waits for transactions: they would hold up this one too.
   */
  async enterCreating(signal: AbortSignal): Promise<Leave> {
    while (this.#creatingSinceMs !== null) {
      if (this.#nowMs() - this.#creatingSinceMs > CREATING_PATIENCE_MS) {
        const what = 'another snapshot of a table without a key waits for transactions on the source to end';
        throw new WalflowError('SNAPSHOT_WAITS', what);
      }
      await sleep(LOOK_MS, undefined, { signal });
    }
    this.#creatingSinceMs = this.#nowMs();
    return once(() => {
      this.#creatingSinceMs = null;
    });
  }

  /** Undefined = not known yet. */
  horizonOf(r0: string): string | null | undefined {
    return this.#horizons.get(r0);
  }

  /** Null = the wait is over. */
  remember(r0: string, horizon: string | null): void {
    this.#horizons.set(r0, horizon);
  }
}

function once(leave: () => void): Leave {
  let left = false;
  return () => {
    if (!left) leave();
    left = true;
  };
}
