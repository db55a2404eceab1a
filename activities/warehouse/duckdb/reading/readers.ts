// Who reads now, in the process that merges. Short reads go first and side by side; one that is not over soon begins again in
// its turn among the long ones, of which one runs at a time. Merges take no turns here.

import { WalflowError } from '../../../../workflows/model/errors.ts';
import type { ReadBounds } from '../../read-order.ts';
import { Turnstile } from '../../turnstile.ts';
import type { EngineUse } from './bounds.ts';
import { ReadWatch, type WatchedEngine, type WatchOptions } from './watch.ts';

const SHORT_AT_ONCE = 2;
/** Running and waiting. Each holds its connection, its SQL, and at the end its answer. */
const MOST_AT_ONCE = 100;

export class Readers {
  readonly #short = new Turnstile(SHORT_AT_ONCE);
  readonly #long = new Turnstile(1);
  readonly #watches = new Set<ReadWatch>();
  readonly #engine: WatchedEngine;
  #admitted = 0;

  constructor(engine: WatchedEngine) {
    this.#engine = sharedLook(engine);
  }

  get bounds(): ReadBounds {
    return this.#engine.bounds;
  }

  /** @throws WalflowError QUERY_BUSY */
  async admit<T>(work: () => Promise<T>): Promise<T> {
    if (this.#admitted >= MOST_AT_ONCE) throw new WalflowError('QUERY_BUSY', `${MOST_AT_ONCE} queries are waiting`);
    this.#admitted += 1;
    try {
      return await work();
    } finally {
      this.#admitted -= 1;
    }
  }

  /** @param signal ends the wait for a turn */
  async short<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return await this.#short.pass(work, signal);
  }

  /** @param signal ends the wait for a turn */
  async long<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return await this.#long.pass(work, signal);
  }

  /** Runs `work` under a watch. @param interrupt interrupts its statement */
  async watched<T>(interrupt: () => void, options: WatchOptions, work: (watch: ReadWatch) => Promise<T>): Promise<T> {
    const watch = new ReadWatch(interrupt, this.#engine, options);
    this.#watches.add(watch);
    try {
      return await work(watch);
    } finally {
      this.#watches.delete(watch);
      watch.stop();
    }
  }

  /** A merge needs what they take. */
  giveWay(): void {
    for (const watch of this.#watches) watch.end('merge');
  }
}

/** One look for all watches that look at once: behind busy reads looks take long, and would pile up. */
function sharedLook(engine: WatchedEngine): WatchedEngine {
  let running: Promise<EngineUse> | null = null;
  return {
    bounds: engine.bounds,
    use: async () => {
      running ??= engine.use().finally(() => {
        running = null;
      });
      return await running;
    },
  };
}
