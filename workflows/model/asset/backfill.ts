// A backfill: many partitions, computed run by run. What is left of it stands in the warehouse; its workflow, `backfill/<id>`,
// knows only its name.

import type { DerivedAsset } from './graph.ts';
import type { PlannedRun } from './run.ts';

export const BACKFILL_STATUSES = ['running', 'paused', 'succeeded', 'failed', 'cancelled'] as const;
export type BackfillStatus = (typeof BACKFILL_STATUSES)[number];
/** How a backfill ends. */
export type BackfillEnd = Extract<BackfillStatus, 'succeeded' | 'failed' | 'cancelled'>;

/** Of the chosen partitions only those in this state, looked at again when they are computed. */
export const BACKFILL_ONLY = ['missing', 'stale'] as const;
export type BackfillOnly = (typeof BACKFILL_ONLY)[number];

/** How many partitions of an asset; together they are its total. */
export interface BackfillCounts {
  readonly asset: string;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  /** Not computed, because what it reads failed or the asset was removed. */
  readonly skipped: number;
}

/** How far a backfill is, in partitions. */
export interface BackfillProgress {
  readonly done: number;
  readonly total: number;
}

/** What a backfill does next. */
export type BackfillTurn =
  /** The run stands in the warehouse; it may have started already. */
  | { readonly tag: 'run'; readonly run: PlannedRun; readonly progress: BackfillProgress }
  /** It is paused, or another backfill has the place. */
  | { readonly tag: 'wait'; readonly paused: boolean; readonly progress: BackfillProgress }
  | { readonly tag: 'ended'; readonly status: BackfillEnd };

/**
 * How many assets lie, at most, between each asset and the captured tables, by key. ⚠ A backfill goes by them: whatever the
 * mapping, all that an asset reads is done before it is.
 * @param derived in the order of the graph
 */
export function layersOf(derived: readonly DerivedAsset[]): ReadonlyMap<string, number> {
  const layers = new Map<string, number>();
  for (const { key, inputs } of derived) {
    layers.set(key, 1 + Math.max(-1, ...inputs.map(({ from }) => layers.get(from.key) ?? -1)));
  }
  return layers;
}
