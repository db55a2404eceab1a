// The steps that this process computes: since when, and how to interrupt them. The catalog learns of a step when it ends, so that
// a step costs one commit.

import type { StepRef } from '../../run-order.ts';

interface Started {
  readonly startedAt: string;
  readonly attempt: number;
  /** False when an attempt has failed, and the next one has not begun. */
  readonly running: boolean;
}

export class RunningSteps {
  readonly #steps = new Map<string, Map<number, Started & { readonly stop: AbortController }>>();

  /** @returns aborts when the run is cancelled in this process */
  begin({ run, no }: StepRef, startedAt: string, attempt: number): AbortSignal {
    const steps = this.#steps.get(run) ?? new Map();
    this.#steps.set(run, steps);
    const stop = new AbortController();
    steps.set(no, { startedAt, attempt, running: true, stop });
    return stop.signal;
  }

  /** The attempt is over. */
  rest({ run, no }: StepRef): void {
    const steps = this.#steps.get(run);
    const step = steps?.get(no);
    if (step !== undefined) steps?.set(no, { ...step, running: false });
  }

  of({ run, no }: StepRef): Started | null {
    return this.#steps.get(run)?.get(no) ?? null;
  }

  isRunning(run: string): boolean {
    return this.#steps.has(run);
  }

  cancel(run: string): void {
    const reason = new DOMException('the run is cancelled', 'AbortError');
    for (const { stop } of this.#steps.get(run)?.values() ?? []) stop.abort(reason);
  }

  /** The run has ended. */
  forget(run: string): void {
    this.#steps.delete(run);
  }
}
