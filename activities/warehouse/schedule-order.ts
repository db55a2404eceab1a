// What the warehouse is asked about schedules: it keeps up to which nominal time each is handled.

import type { PlannedRun, RunCause } from '../../workflows/model/asset/run.ts';
import type { PlannedStep } from './run-order.ts';

/** What a tick is to do. */
export interface TickPlan {
  /** In the order of the graph; none = nothing has ended. */
  readonly steps: readonly PlannedStep[];
  /** The nominal time that is handled with it; null = it handles none. */
  readonly handledMs: number | null;
}

export interface TickOrder {
  /** A name of the caller's for the run: planned again under it, it is the same run. */
  readonly id: string;
  readonly schedule: string;
  readonly cause: RunCause;
  readonly nowMs: number;
  /** @param handledMs the last nominal time that was handled; null = none was yet. @returns null = nothing to do */
  readonly plan: (handledMs: number | null) => TickPlan | null;
}

/** The part of the port that is about schedules. */
export interface ScheduleStore {
  /**
   * ⚠ Plans the run of a tick and notes what it handles in one transaction: a tick that is repeated, or comes beside another,
   * plans nothing twice, and one that fails loses nothing. The caller starts the run's workflow, else automation does.
   */
  planTick(order: TickOrder): Promise<PlannedRun | null>;
  /** The last handled nominal time of each schedule, by its name: ISO 8601 UTC. */
  handledTimes(): Promise<ReadonlyMap<string, string>>;
}
