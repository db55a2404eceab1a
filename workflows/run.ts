// run/<id>: runs the steps of a run in the order of the graph, some at a time. What is to be done stands in the warehouse, and
// each step ends there in the transaction that publishes it; this workflow only says when.

import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import {
  ActivityCancellationType,
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { RunEnd, RunStep } from './model/asset/run.ts';
import { StepQueue } from './model/asset/step-queue.ts';
import { innermostMessage } from './model/errors.ts';
import type { RunInput, RunResult } from './model/run.ts';
import { settingsOf } from './settings.ts';

const STEPS_AT_ONCE = 4;
const RETRY = { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '60 seconds' } as const;

/** On the queue of its warehouse. Started again under the same id, it runs only what has not ended. */
export async function run(input: RunInput): Promise<RunResult> {
  const work = new RunWork(input);
  try {
    await work.steps();
  } catch (failure) {
    if (isCancellation(failure)) await work.end('cancelled');
    throw failure;
  }
  const failed = work.failures;
  await work.end(failed === null ? 'succeeded' : 'failed');
  if (failed !== null) throw ApplicationFailure.nonRetryable(failed, 'ASSET_FAILED');
  return { status: 'succeeded', ...work.figures };
}

class RunWork {
  readonly #input: RunInput;
  readonly #queue: StepQueue;
  readonly #texts = new Map<string, string>();
  #errors: readonly string[] = [];
  figures = { partitions: 0, rows: 0 };

  constructor(input: RunInput) {
    this.#input = input;
    this.#queue = new StepQueue(input.steps, STEPS_AT_ONCE);
  }

  /** Of steps that failed; null if none did. */
  get failures(): string | null {
    return this.#errors.length === 0 ? null : this.#errors.join('\n');
  }

  async steps(): Promise<void> {
    const active = new Set<Promise<void>>();
    const add = (work: Promise<void>) => {
      const tracked = work.finally(() => active.delete(tracked));
      active.add(tracked);
    };
    try {
      for (;;) {
        for (const step of this.#queue.next()) add(this.#step(step));
        if (this.#queue.isDone) break;
        // They need not wait for the end of the run: their assets may be due again.
        const steps = this.#queue.conclusions();
        if (steps.length > 0) add(this.#conclude(null, steps));
        await Promise.race(active);
      }
    } finally {
      // In its last moments a step that is cancelled may still commit.
      await Promise.allSettled(active);
    }
  }

  async end(status: RunEnd): Promise<void> {
    await CancellationScope.nonCancellable(() => this.#conclude(status, this.#queue.conclusions()));
  }

  async #step({ no, asset }: RunStep): Promise<void> {
    const { runStep } = proxyActivities<Activities>({
      startToCloseTimeout: '1 hour',
      heartbeatTimeout: `${settingsOf(this.#input).heartbeatTimeoutSeconds} seconds`,
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      retry: { ...RETRY, maximumAttempts: 5 },
      summary: asset,
    });
    this.#tell(asset, 'running');
    try {
      const outcome = await runStep({ run: this.#input.id, no, asset });
      this.#queue.end(no, outcome);
      this.figures = {
        partitions: this.figures.partitions + outcome.partitions,
        rows: this.figures.rows + outcome.rows,
      };
      this.#tell(asset, `${outcome.status}, ${outcome.partitions} partitions, ${outcome.rows} rows`);
      if (outcome.status === 'failed') this.#errors = [...this.#errors, `${asset}: ${outcome.error}`];
    } catch (failure) {
      // An attempt that is interrupted may still fail in its own words.
      if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('the run is cancelled');
      if (isCancellation(failure)) throw failure;
      const message = innermostMessage(failure);
      this.#queue.fail(no, message);
      this.#errors = [...this.#errors, `${asset}: ${message}`];
      this.#tell(asset, message);
    }
  }

  async #conclude(status: RunEnd | null, steps: ReturnType<StepQueue['conclusions']>): Promise<void> {
    const { endRun } = proxyActivities<Activities>({
      startToCloseTimeout: '5 minutes',
      retry: RETRY,
      summary: status ?? 'some steps have ended',
    });
    await endRun({ run: this.#input.id, status, steps, assets: this.#input.steps.map(({ asset }) => asset) });
  }

  /** For the Web UI. */
  #tell(asset: string, text: string): void {
    this.#texts.set(asset, text);
    setCurrentDetails([...this.#texts].map(([key, state]) => `- ${key}: ${state}`).join('\n'));
  }
}
