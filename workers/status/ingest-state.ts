// The state of `ingest/<pipeline>` for the API: queried from the workflow and cached for a moment; `down` when no worker
// answers in time.

import type { Client } from '@temporalio/client';
import { ingestWorkflowId } from '../../workflows/model/names.ts';
import type { IngestStatus } from '../../workflows/model/run.ts';

const REMEMBER_MS = 2_000;
const ANSWER_MS = 1_500;

export interface IngestState {
  readonly state: string;
  readonly reason: string | null;
}

export class IngestStates {
  readonly #client: Client;
  readonly #known = new Map<string, { readonly atMs: number; readonly state: Promise<IngestState> }>();

  constructor(client: Client) {
    this.#client = client;
  }

  of(pipeline: string): Promise<IngestState> {
    const known = this.#known.get(pipeline);
    if (known !== undefined && performance.now() - known.atMs < REMEMBER_MS) return known.state;
    const state = this.#ask(pipeline);
    this.#known.set(pipeline, { atMs: performance.now(), state });
    return state;
  }

  async #ask(pipeline: string): Promise<IngestState> {
    const handle = this.#client.workflow.getHandle(ingestWorkflowId(pipeline));
    const deadline = Date.now() + ANSWER_MS;
    try {
      const status = await this.#client.withDeadline(deadline, () => handle.query<IngestStatus>('status'));
      // While the stream runs, the last failure is over.
      return { state: status.state, reason: status.state === 'streaming' ? null : status.lastFailure };
    } catch {
      return { state: 'down', reason: 'no ingest worker answers' };
    }
  }
}
