// Keeps children alive: a child that ends by itself is started again, after a pause that doubles each time; one that keeps
// ending is reported as a failure with the end of its log. The state folder records all of them while they run.

import { setTimeout as sleep } from 'node:timers/promises';
import { type ChildSpec, crashed, exitText, type RunningChild, startChild } from './child.ts';
import type { PidFile } from './pid-file.ts';

export type ChildEvent =
  | { readonly tag: 'ready'; readonly name: string; readonly pid: number }
  | { readonly tag: 'crashed'; readonly name: string; readonly failure: Error; readonly restartInMs: number };

export interface SupervisorOptions {
  readonly pidFile: PidFile;
  readonly onEvent: (event: ChildEvent) => void;
  /** Called once for a child that cannot be kept alive. */
  readonly onFailure: (failure: Error) => void;
  readonly firstPauseMs?: number;
}

/** Called for every start: ports and folders may have changed since the last one. */
export type PrepareChild = () => Promise<ChildSpec>;

interface Started {
  readonly spec: ChildSpec;
  readonly child: RunningChild;
  readonly startedMs: number;
}

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 10_000;
/** A child that ran this long was healthy: its next crash counts as the first. */
const WELL_AFTER_MS = 60_000;
const MAX_CRASHES = 5;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #running = new Set<RunningChild>();
  readonly #watches: Promise<void>[] = [];
  readonly #stopping = new AbortController();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /**
   * Starts a child, waits until it is ready, and keeps it alive from then on.
   * @throws WalflowError EMBEDDED_CHILD_CRASHED when the first start fails
   */
  async start(prepare: PrepareChild): Promise<void> {
    const started = await this.#startOnce(prepare);
    this.#watches.push(this.#keepAlive(prepare, started));
  }

  /** Stops all children at the same time; resolves, within `boundMs`, when none is left. Safe to call twice. */
  async stop(boundMs: number): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#running].map((child) => child.stop(boundMs)));
    await Promise.all(this.#watches);
  }

  async #startOnce(prepare: PrepareChild): Promise<Started> {
    const { onEvent } = this.#options;
    const spec = await prepare();
    this.#stopping.signal.throwIfAborted();
    const startedMs = performance.now();
    const child = await startChild(spec, {
      signal: this.#stopping.signal,
      onSpawn: (spawned) => this.#note(spawned, spec),
    });
    onEvent({ tag: 'ready', name: spec.name, pid: child.pid });
    return { spec, child, startedMs };
  }

  async #note(child: RunningChild, { name, stopSignals }: ChildSpec): Promise<void> {
    const { pidFile } = this.#options;
    this.#running.add(child);
    // Recorded before its exit is awaited: otherwise a child that has ended already would be recorded after its removal.
    await pidFile.add({ name, pid: child.pid, stopSignals });
    this.#watches.push(
      child.exited.then(() => {
        this.#running.delete(child);
        return pidFile.remove(child.pid);
      }),
    );
  }

  async #keepAlive(prepare: PrepareChild, first: Started): Promise<void> {
    const { onEvent, onFailure, firstPauseMs = FIRST_PAUSE_MS } = this.#options;
    const { signal } = this.#stopping;
    let crashes = 0;
    let end = await endOf(first);
    while (!signal.aborted) {
      crashes = end.wasWell ? 1 : crashes + 1;
      if (crashes > MAX_CRASHES) return onFailure(end.failure);
      const restartInMs = Math.min(firstPauseMs * 2 ** (crashes - 1), MAX_PAUSE_MS);
      onEvent({ tag: 'crashed', name: first.spec.name, failure: end.failure, restartInMs });
      await sleep(restartInMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      end = await this.#startOnce(prepare).then(endOf, (failure) => ({ failure, wasWell: false }));
    }
  }
}

interface End {
  readonly failure: Error;
  readonly wasWell: boolean;
}

async function endOf({ spec, child, startedMs }: Started): Promise<End> {
  const exit = await child.exited;
  return {
    failure: crashed(spec, child, `ended by itself (${exitText(exit)})`),
    wasWell: performance.now() - startedMs > WELL_AFTER_MS,
  };
}
