// Why a run does not get on: the failure of its activity that waits for a retry, as Temporal knows it. Cached for a moment,
// because pages and scripts ask often.

import type { Client } from '@temporalio/client';

const REMEMBER_MS = 2_000;
const ANSWER_MS = 1_500;
/** PENDING_ACTIVITY_STATE_SCHEDULED (temporal.api.enums.v1): not running; with a failure it waits for its retry. */
const SCHEDULED = 1;

export class PendingFailures {
  readonly #client: Client;
  readonly #known = new Map<string, { readonly atMs: number; readonly failure: Promise<string | null> }>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** The failure's message; null when nothing waits for a retry, or Temporal does not answer. */
  of(workflowId: string): Promise<string | null> {
    const nowMs = performance.now();
    for (const [id, { atMs }] of this.#known) if (nowMs - atMs >= REMEMBER_MS) this.#known.delete(id);
    const known = this.#known.get(workflowId);
    if (known !== undefined) return known.failure;
    const failure = this.#ask(workflowId);
    this.#known.set(workflowId, { atMs: nowMs, failure });
    return failure;
  }

  async #ask(workflowId: string): Promise<string | null> {
    const handle = this.#client.workflow.getHandle(workflowId);
    try {
      const { raw } = await this.#client.withDeadline(Date.now() + ANSWER_MS, () => handle.describe());
      const waiting = raw.pendingActivities?.find(({ state, lastFailure }) => state === SCHEDULED && lastFailure);
      return waiting?.lastFailure?.message ?? null;
    } catch {
      return null;
    }
  }
}
