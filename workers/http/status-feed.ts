// The status for all watchers: read once a second for all of them together, and not at all while there are none.

import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiBackend, AssetStatus, PipelineStatus } from './backend.ts';
import { type HttpFailure, httpFailure } from './failure.ts';

const EVERY_MS = 1_000;

export interface Status {
  readonly pipelines: readonly PipelineStatus[];
  readonly assets: readonly AssetStatus[];
}

export type StatusReading =
  | { readonly tag: 'status'; readonly status: Status }
  | { readonly tag: 'failure'; readonly failure: HttpFailure };

export class StatusFeed {
  readonly #backend: Pick<ApiBackend, 'pipelines' | 'assets'>;
  readonly #closing: AbortSignal;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #next: Promise<StatusReading> | null = null;

  /** @param closing aborted = a reading that waits for its time is made at once */
  constructor(backend: Pick<ApiBackend, 'pipelines' | 'assets'>, closing: AbortSignal) {
    this.#backend = backend;
    this.#closing = closing;
  }

  /** The current or the next reading; after a pause it is made at once. Never rejects. */
  next(): Promise<StatusReading> {
    this.#next ??= this.#read().finally(() => {
      this.#next = null;
    });
    return this.#next;
  }

  async #read(): Promise<StatusReading> {
    const waitMs = this.#readAtMs + EVERY_MS - performance.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.#closing }).catch(() => undefined);
    this.#readAtMs = performance.now();
    try {
      const [pipelines, assets] = await Promise.all([this.#backend.pipelines(), this.#backend.assets()]);
      return { tag: 'status', status: { pipelines, assets } };
    } catch (failure) {
      return { tag: 'failure', failure: httpFailure(failure) };
    }
  }
}
