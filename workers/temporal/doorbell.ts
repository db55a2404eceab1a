// Station 7 on a row's way: doorbells, signals that only say "look". They ring at once when idle, and on the trailing edge
// under load; a ring that fails is repeated. Losing, repeating or delaying one changes nothing but the reaction time.

import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { Doorbell } from '../../activities/resources.ts';
import { ignored, safely } from '../../workflows/model/callback.ts';
import type { RunSettings } from '../../workflows/model/run.ts';
import { type Entity, ringEntity } from './entity-workflow.ts';

/** Shorter than the merge activity lingers (6 s), so that under load one activity serves every ring. */
const LANDED_EVERY_MS = 4_000;

interface Bell {
  lastMs: number;
  timer: NodeJS.Timeout | null;
}

/** The workflows the doorbells ring. */
export interface Rung {
  /** merge/<pipeline>, by pipeline. */
  readonly merges: ReadonlyMap<string, Entity>;
  readonly automation: Entity;
  /** For assets that run by themselves, how often automation decides about each: a ring in between would only cost. */
  readonly everyMs: ReadonlyMap<string, number>;
  readonly settings: RunSettings;
}

export class TemporalDoorbell implements Doorbell {
  readonly #client: Client;
  readonly #log: Logger;
  readonly #rung: Rung;
  readonly #bells = new Map<string, Bell>();

  constructor(client: Client, log: Logger, rung: Rung) {
    this.#client = client;
    this.#log = log;
    this.#rung = rung;
  }

  landed(pipeline: string): void {
    const { merges, settings } = this.#rung;
    const merge = merges.get(pipeline);
    if (merge === undefined) return;
    const send = () => ringEntity(this.#client, merge, settings, 'landed');
    this.#ring(`landed ${pipeline}`, LANDED_EVERY_MS, send);
  }

  changed(assets: readonly string[]): void {
    const { automation, everyMs, settings } = this.#rung;
    const send = () => ringEntity(this.#client, automation, settings, 'event');
    // A bell for each value: the change of an asset with another one, after a quiet time, must ring at once.
    for (const ms of new Set(assets.flatMap((asset) => everyMs.get(asset) ?? [])))
      this.#ring(`changed ${ms}`, ms, send);
  }

  /** Drops rings that still wait; the workflows also look by themselves. */
  close(): void {
    for (const bell of this.#bells.values()) if (bell.timer !== null) clearTimeout(bell.timer);
  }

  #ring(key: string, everyMs: number, send: () => Promise<unknown>): void {
    const bell = this.#bells.get(key) ?? { lastMs: Number.NEGATIVE_INFINITY, timer: null };
    this.#bells.set(key, bell);
    if (bell.timer !== null) return;
    const waitMs = bell.lastMs + everyMs - performance.now();
    if (waitMs > 0) {
      const again = () => {
        bell.timer = null;
        this.#ring(key, everyMs, send);
      };
      bell.timer = setTimeout(safely(again, ignored), waitMs);
      return;
    }
    bell.lastMs = performance.now();
    const onFailure = (cause: unknown) => {
      this.#log.warn({ bell: key, cause: String(cause) }, 'Temporal did not take a signal; sending it again');
      this.#ring(key, everyMs, send);
    };
    safely(send, onFailure)();
  }
}
