// Doorbells: signals that say "look at the log". Rung at once when idle, on the trailing edge under load; a ring that fails
// is rung again. Losing, repeating or delaying one changes nothing but the reaction time.

import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { Doorbell } from '../../activities/resources.ts';
import { automationWorkflowId, mergeWorkflowId, warehouseQueue } from '../../workflows/model/names.ts';
import type { AutomationInput, PipelineInput } from '../../workflows/model/run.ts';
import { attributesOf } from '../../workflows/search-attributes.ts';

/** Shorter than the merge activity lingers (6 s), so that under load one activity serves every ring. */
const LANDED_EVERY_MS = 4_000;
/** An asset run starts within 2 s of the merge that touched its input. */
const CHANGED_EVERY_MS = 1_000;

interface Bell {
  lastMs: number;
  timer: NodeJS.Timeout | null;
}

export class TemporalDoorbell implements Doorbell {
  readonly #client: Client;
  readonly #log: Logger;
  readonly #pipelines: ReadonlyMap<string, PipelineInput>;
  readonly #automation: AutomationInput;
  readonly #bells = new Map<string, Bell>();

  constructor(client: Client, log: Logger, pipelines: ReadonlyMap<string, PipelineInput>, automation: AutomationInput) {
    this.#client = client;
    this.#log = log;
    this.#pipelines = pipelines;
    this.#automation = automation;
  }

  landed(pipeline: string): void {
    const input = this.#pipelines.get(pipeline);
    if (input === undefined) return;
    this.#ring(`landed ${pipeline}`, LANDED_EVERY_MS, () =>
      this.#client.workflow.signalWithStart('merge', {
        workflowId: mergeWorkflowId(pipeline),
        taskQueue: warehouseQueue(input.warehouse),
        signal: 'landed',
        args: [input],
        staticSummary: `merge ${pipeline}: lake → warehouse`,
        ...attributesOf(input.searchAttributes, { pipeline, kind: 'merge' }),
      }),
    );
  }

  changed(): void {
    const input = this.#automation;
    this.#ring('changed', CHANGED_EVERY_MS, () =>
      this.#client.workflow.signalWithStart('automation', {
        workflowId: automationWorkflowId(input.project),
        taskQueue: warehouseQueue(input.warehouse),
        signal: 'event',
        args: [input],
        staticSummary: `automation of ${input.project}`,
        ...attributesOf(input.searchAttributes, { kind: 'automation' }),
      }),
    );
  }

  /** Drops rings that wait for their trailing edge; the checkers of the workflows make up for them. */
  close(): void {
    for (const bell of this.#bells.values()) if (bell.timer !== null) clearTimeout(bell.timer);
  }

  #ring(key: string, everyMs: number, send: () => Promise<unknown>): void {
    const bell = this.#bells.get(key) ?? { lastMs: Number.NEGATIVE_INFINITY, timer: null };
    this.#bells.set(key, bell);
    if (bell.timer !== null) return;
    const waitMs = bell.lastMs + everyMs - performance.now();
    if (waitMs > 0) {
      bell.timer = setTimeout(() => {
        bell.timer = null;
        this.#ring(key, everyMs, send);
      }, waitMs);
      return;
    }
    bell.lastMs = performance.now();
    send().catch((cause: unknown) => {
      this.#log.warn({ bell: key, cause: String(cause) }, 'Temporal did not take a signal; it is sent again');
      this.#ring(key, everyMs, send);
    });
  }
}
