// The workflows of runs, seen from outside.

import { type Client, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import type { RunLookup } from '../../activities/resources.ts';
import type { PlannedRun, RunEnd } from '../../workflows/model/asset/run.ts';
import { runWorkflowId } from '../../workflows/model/names.ts';
import type { RunSettings } from '../../workflows/model/run.ts';
import { runOptions } from '../../workflows/run-options.ts';

export class TemporalRuns implements RunLookup {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Nothing if it was started before. */
  async start(planned: PlannedRun, taskQueue: string, settings: RunSettings): Promise<void> {
    try {
      await this.#client.workflow.start('run', { ...runOptions(planned, settings), taskQueue });
    } catch (failure) {
      if (!(failure instanceof WorkflowExecutionAlreadyStartedError)) throw failure;
    }
  }

  /** @returns false if it does not run */
  async cancel(run: string): Promise<boolean> {
    return (await unlessUnknown(() => this.#client.workflow.getHandle(runWorkflowId(run)).cancel())) !== null;
  }

  /** Temporal's own id of the run; null if it knows none. */
  async executionOf(run: string): Promise<string | null> {
    const found = await unlessUnknown(() => this.#client.workflow.getHandle(runWorkflowId(run)).describe());
    return found?.runId ?? null;
  }

  async endOf(run: string): Promise<RunEnd | null> {
    const found = await unlessUnknown(() => this.#client.workflow.getHandle(runWorkflowId(run)).describe());
    if (found === null) return null;
    const { name } = found.status;
    if (name === 'RUNNING' || name === 'CONTINUED_AS_NEW') return null;
    return name === 'CANCELLED' || name === 'TERMINATED' ? 'cancelled' : 'failed';
  }
}

async function unlessUnknown<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (failure) {
    if (failure instanceof WorkflowNotFoundError) return null;
    throw failure;
  }
}
