// Ends a read inside the owner of the warehouse: when its time is over, when its answer is no longer needed, when it takes
// too much of what it shares with merges, or when a merge needs the memory.

import { ignored, safely } from '../../../../workflows/model/callback.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import type { ReadBounds } from '../../read-order.ts';
import type { EngineUse } from './bounds.ts';

/** Why a read was ended. */
export type ReadEnd = 'time' | 'gone' | 'memory' | 'disk' | 'merge';

export interface WatchOptions {
  readonly remainingMs: number;
  /** It may take so much beyond what the process held when it began. */
  readonly memoryBytes: number;
  readonly signal: AbortSignal | undefined;
  /** Bytes on the disk of what is copied for the read. */
  readonly copied?: () => Promise<number>;
}

/** The engine that all reads share. */
export interface WatchedEngine {
  readonly bounds: ReadBounds;
  /** What it uses now. */
  use(): Promise<EngineUse>;
}

/** An interrupt between two steps of a query has no effect, so it is repeated until the query has ended. */
const INTERRUPT_EVERY_MS = 50;
/** Most reads are over before they are measured once; others can take a gigabyte a second. */
const MEASURE_EVERY_MS = 20;
/** The disk fills more slowly, and the engine has to be asked. */
const ASK_EVERY = 5;

export class ReadWatch {
  readonly #interrupt: () => void;
  readonly #engine: WatchedEngine;
  readonly #options: WatchOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #meter: NodeJS.Timeout;
  readonly #abort = () => this.end('gone');
  #first: Taken | null = null;
  #measured = 0;
  #ended: ReadEnd | null = null;
  #repeat: NodeJS.Timeout | null = null;

  /** @param interrupt interrupts the statement that runs now, if one does */
  constructor(interrupt: () => void, engine: WatchedEngine, options: WatchOptions) {
    this.#interrupt = interrupt;
    this.#engine = engine;
    this.#options = options;
    const { remainingMs, signal } = options;
    this.#timer = setTimeout(
      safely(() => this.end('time'), ignored),
      Math.max(0, remainingMs),
    );
    const measure = () => this.#measure();
    this.#meter = setInterval(safely(measure, ignored), MEASURE_EVERY_MS);
    signal?.addEventListener('abort', this.#abort, { once: true });
    if (signal?.aborted) this.end('gone');
    else if (remainingMs <= 0) this.end('time');
  }

  get ended(): ReadEnd | null {
    return this.#ended;
  }

  end(why: ReadEnd): void {
    this.#ended ??= why;
    this.#repeat ??= setInterval(safely(this.#interrupt, ignored), INTERRUPT_EVERY_MS);
    this.#interrupt();
  }

  /** Ends a read that is between two steps. */
  check(): void {
    if (this.#ended !== null) throw new WalflowError('QUERY_TIMEOUT', 'the query was interrupted');
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#meter);
    if (this.#repeat !== null) clearInterval(this.#repeat);
    this.#options.signal?.removeEventListener('abort', this.#abort);
  }

  /** Rows of tables that the engine keeps in memory are not the read's: they make room for others. */
  async #measure(): Promise<void> {
    const residentBytes = process.memoryUsage.rss();
    const { memoryBytes, copied } = this.#options;
    const isSuspect = this.#first === null || residentBytes - this.#first.residentBytes > memoryBytes;
    this.#measured += 1;
    if (!isSuspect && this.#measured % ASK_EVERY !== 0) return;
    const { cachedBytes, spilledBytes } = await this.#engine.use();
    this.#first ??= { residentBytes, cachedBytes };
    const copiedBytes = copied === undefined ? 0 : await copied();
    if (spilledBytes + copiedBytes > this.#engine.bounds.diskBytes) this.end('disk');
    const cachedSince = cachedBytes - this.#first.cachedBytes;
    if (residentBytes - this.#first.residentBytes - cachedSince > memoryBytes) this.end('memory');
  }
}

/** What the process held when the read was first measured. */
interface Taken {
  readonly residentBytes: number;
  readonly cachedBytes: number;
}
