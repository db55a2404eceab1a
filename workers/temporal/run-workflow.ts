// The workflows of runs, seen from outside.

import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { RunLookup } from '../../activities/resources.ts';
import type { RunEnd } from '../../workflows/model/asset/run.ts';
import { runWorkflowId } from '../../workflows/model/names.ts';

export class TemporalRuns implements RunLookup {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async endOf(run: string): Promise<RunEnd | null> {
    try {
      const { status } = await this.#client.workflow.getHandle(runWorkflowId(run)).describe();
      if (status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW') return null;
      return status.name === 'CANCELLED' || status.name === 'TERMINATED' ? 'cancelled' : 'failed';
    } catch (failure) {
      if (failure instanceof WorkflowNotFoundError) return null;
      throw failure;
    }
  }
}
