// Why a run does not get on, as Temporal knows it: the failure of an activity that waits for a retry, or the transactions that
// an activity waits for, from its heartbeat. Cached for a moment, because pages and scripts ask often.

import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { z } from 'zod';
import type { Activities } from '../../activities/index.ts';
import { blockersText } from '../../activities/wal/blocker-text.ts';
import type { Blocker } from '../../activities/wal/postgres/blockers.ts';

const REMEMBER_MS = 2_000;
const ANSWER_MS = 1_500;
/** PENDING_ACTIVITY_STATE_SCHEDULED (temporal.api.enums.v1): not running; with a failure it waits for its retry. */
const SCHEDULED = 1;

/** Activities of these names stand in line; all others are taken at once. */
const SNAPSHOTS: readonly string[] = ['copyTable', 'copyTables'] satisfies readonly (keyof Activities)[];

const BLOCKER: z.ZodType<Blocker> = z.object({
  pid: z.number().nullable(),
  prepared: z.string().nullable(),
  database: z.string(),
  applicationName: z.string(),
  user: z.string(),
  state: z.string(),
  seconds: z.number(),
});
const HEARTBEAT = z.object({ waitingFor: z.array(BLOCKER) });

export class Standstills {
  readonly #client: Client;
  readonly #known = new Map<string, { readonly atMs: number; readonly reason: Promise<string | null> }>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Null when the run gets on, or Temporal does not answer. */
  of(workflowId: string): Promise<string | null> {
    const nowMs = performance.now();
    for (const [id, { atMs }] of this.#known) if (nowMs - atMs >= REMEMBER_MS) this.#known.delete(id);
    const known = this.#known.get(workflowId);
    if (known !== undefined) return known.reason;
    const reason = this.#ask(workflowId);
    this.#known.set(workflowId, { atMs: nowMs, reason });
    return reason;
  }

  async #ask(workflowId: string): Promise<string | null> {
    const handle = this.#client.workflow.getHandle(workflowId);
    try {
      const { raw } = await this.#client.withDeadline(Date.now() + ANSWER_MS, () => handle.describe());
      const pending = raw.pendingActivities ?? [];
      const failed = pending.find(({ state, lastFailure }) => state === SCHEDULED && lastFailure);
      if (failed !== undefined) return failed.lastFailure?.message ?? null;
      const queued = pending.some(
        ({ state, activityType }) => state === SCHEDULED && SNAPSHOTS.includes(activityType?.name ?? ''),
      );
      if (queued) return 'its snapshot waits for its turn: those of other tables are taken first';
      return waitText(pending.flatMap(({ heartbeatDetails }) => waitingFor(heartbeatDetails?.payloads?.[0])));
    } catch {
      return null;
    }
  }
}

type Payload = Parameters<typeof defaultPayloadConverter.fromPayload>[0];

function waitingFor(payload: Payload | undefined): readonly Blocker[] {
  if (payload === undefined) return [];
  const heartbeat = HEARTBEAT.safeParse(defaultPayloadConverter.fromPayload(payload));
  return heartbeat.success ? heartbeat.data.waitingFor : [];
}

/** Null when nobody is waited for. */
function waitText(blockers: readonly Blocker[]): string | null {
  return blockers.length === 0 ? null : `it waits for transactions on the source to end: ${blockersText(blockers)}`;
}
