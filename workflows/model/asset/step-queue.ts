// In which order the steps of a run start. A step starts when all that it reads in the same run has ended; what failed keeps only
// those from starting that read it, and what came out unchanged gives its readers nothing to do.

import type { RunStep, SkipReason, StepOutcome, StepReason } from './run.ts';

/** How a step ended that was not ended by the activity that ran it. */
export interface StepConclusion {
  readonly no: number;
  readonly status: 'failed' | 'skipped';
  readonly reason?: StepReason;
  readonly error?: string;
}

type Ended = 'changed' | 'unchanged' | 'failed';

export class StepQueue {
  readonly #width: number;
  readonly #ended = new Map<number, Ended>();
  readonly #running = new Set<number>();
  #waiting: readonly RunStep[];
  #conclusions: StepConclusion[] = [];

  constructor(steps: readonly RunStep[], width: number) {
    this.#waiting = steps;
    this.#width = width;
  }

  get isDone(): boolean {
    return this.#waiting.length === 0 && this.#running.size === 0;
  }

  get failures(): number {
    return [...this.#ended.values()].filter((ended) => ended === 'failed').length;
  }

  /** The steps to start now, in their order. Those that have nothing to do end by this. */
  next(): readonly RunStep[] {
    const starting: RunStep[] = [];
    const waiting: RunStep[] = [];
    for (const step of this.#waiting) {
      const before = step.after.map((no) => this.#ended.get(no));
      if (before.includes(undefined)) waiting.push(step);
      else if (before.includes('failed')) this.#skip(step, 'upstream-failed');
      else if (step.follows && !before.includes('changed')) this.#skip(step, 'up-to-date');
      else if (this.#running.size >= this.#width) waiting.push(step);
      else {
        this.#running.add(step.no);
        starting.push(step);
      }
    }
    this.#waiting = waiting;
    return starting;
  }

  end(no: number, { status, reason, partitions, unchanged }: StepOutcome): void {
    this.#running.delete(no);
    // Of an asset that is not there any more the activity could not note it.
    if (reason === 'removed') this.#conclusions.push({ no, status: 'skipped', reason });
    const changed = partitions > unchanged ? 'changed' : 'unchanged';
    this.#ended.set(no, status === 'failed' ? 'failed' : changed);
  }

  fail(no: number, error: string): void {
    this.#running.delete(no);
    this.#ended.set(no, 'failed');
    this.#conclusions.push({ no, status: 'failed', error });
  }

  /** Conclusions since the last call. */
  conclusions(): readonly StepConclusion[] {
    const conclusions = this.#conclusions;
    this.#conclusions = [];
    return conclusions;
  }

  #skip({ no }: RunStep, reason: SkipReason): void {
    this.#ended.set(no, reason === 'upstream-failed' ? 'failed' : 'unchanged');
    this.#conclusions.push({ no, status: 'skipped', reason });
  }
}
