// Which snapshots have ended, and how: what ingest stores beside the chunks says so. A look is a request, so of thousands of
// loading tables only those are looked at that may have ended.

import type { CaptureEntry, SnapshotComplete } from '../../workflows/model/manifest.ts';
import { snapshotGroup } from '../../workflows/model/names.ts';
import type { ManifestStore } from '../lake/log.ts';
import { decodeSnapshotComplete, decodeSnapshotFailure } from '../lake/manifest-codec.ts';
import { snapshotCompleteKey, snapshotFailedKey } from '../lake/object-key.ts';
import type { TablePauseOrder } from '../warehouse/merge-plan.ts';

export type SnapshotEnd =
  | { readonly tag: 'complete'; readonly complete: SnapshotComplete }
  /** A row cannot be stored as it is. */
  | { readonly tag: 'failed'; readonly order: TablePauseOrder }
  | { readonly tag: 'unreadable'; readonly failure: unknown };

const LOOK_EVERY_MS = 500;
/** … where there are many of them: a look takes dozens of requests, from the store that their snapshots use. */
const LOOK_AT_MANY_EVERY_MS = 2_000;
/** Snapshots seldom fail, so only every n-th look checks for that too. */
const LOOKS_A_FAILURE = 4;
/** Of so many tables all are looked at. */
const FEW_TABLES = 64;
/** Of more, so many are looked at out of order: tables behind one whose snapshot takes long. */
const LOOKS_IN_TURN = 16;

export class SnapshotEnds {
  readonly #lake: Pick<ManifestStore, 'get'>;
  readonly #ends = new Map<string, SnapshotEnd>();
  #lookedMs = Number.NEGATIVE_INFINITY;
  #looks = 0;
  #turn = 0;

  constructor(lake: Pick<ManifestStore, 'get'>) {
    this.#lake = lake;
  }

  /** As of the last look; undefined while the snapshot is being taken. */
  of({ snapshot }: CaptureEntry): SnapshotEnd | undefined {
    return this.#ends.get(snapshot.id);
  }

  /** Looks if it is time to. */
  async look(entries: readonly CaptureEntry[], nowMs: number): Promise<void> {
    const open = entries.filter((entry) => this.of(entry) === undefined);
    const everyMs = open.length <= FEW_TABLES ? LOOK_EVERY_MS : LOOK_AT_MANY_EVERY_MS;
    if (open.length === 0 || nowMs - this.#lookedMs < everyMs) return;
    this.#lookedMs = nowMs;
    const forFailure = this.#looks++ % LOOKS_A_FAILURE === 0;
    if (open.length <= FEW_TABLES) {
      await Promise.all(open.map((entry) => this.#lookAt(entry, forFailure)));
      return;
    }
    const groups = Map.groupBy(open, ({ snapshot }) => snapshotGroup(snapshot.id));
    await Promise.all([...groups.values()].map((group) => this.#lookInOrder(group, forFailure)));
    await Promise.all(this.#nextInTurn(open).map((entry) => this.#lookAt(entry, forFailure)));
  }

  /** Snapshots of a group end one after the other: behind one that has not, none has. */
  async #lookInOrder(group: readonly CaptureEntry[], forFailure: boolean): Promise<void> {
    for (let from = 0, count = 1; from < group.length; from += count, count *= 2) {
      const some = group.slice(from, from + count);
      await Promise.all(some.map((entry) => this.#lookAt(entry, forFailure)));
      if (some.some((entry) => this.of(entry) === undefined)) return;
    }
  }

  #nextInTurn(open: readonly CaptureEntry[]): readonly CaptureEntry[] {
    const from = this.#turn % open.length;
    this.#turn = from + LOOKS_IN_TURN;
    return open.slice(from, this.#turn).filter((entry) => this.of(entry) === undefined);
  }

  async #lookAt(entry: CaptureEntry, forFailure: boolean): Promise<void> {
    const end = (await this.#complete(entry)) ?? (forFailure ? await this.#failed(entry) : null);
    if (end !== null) this.#ends.set(entry.snapshot.id, end);
  }

  async #complete(entry: CaptureEntry): Promise<SnapshotEnd | null> {
    const key = snapshotCompleteKey(entry, entry.snapshot.id);
    const body = await this.#lake.get(key);
    if (body === null) return null;
    try {
      return { tag: 'complete', complete: decodeSnapshotComplete(body, key) };
    } catch (failure) {
      return { tag: 'unreadable', failure };
    }
  }

  async #failed(entry: CaptureEntry): Promise<SnapshotEnd | null> {
    const key = snapshotFailedKey(entry, entry.snapshot.id);
    const body = await this.#lake.get(key);
    if (body === null) return null;
    const { code, reason } = decodeSnapshotFailure(body, key);
    return { tag: 'failed', order: { table: entry.table, code, reason } };
  }
}
