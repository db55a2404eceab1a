// A run computes steps, each one asset, in the order of the graph. It stands in the warehouse before it starts, and its workflow
// is `run/<id>`.

/** Why a run exists. */
export type RunCause =
  | { readonly kind: 'automation' }
  | { readonly kind: 'manual' }
  /** `at` = the nominal time, ISO 8601 UTC. */
  | { readonly kind: 'schedule'; readonly name: string; readonly at: string }
  | { readonly kind: 'backfill'; readonly id: string };

export const RUN_CAUSES = [
  'automation',
  'manual',
  'schedule',
  'backfill',
] as const satisfies readonly RunCause['kind'][];

export const RUN_STATUSES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];
/** How a run ends. */
export type RunEnd = Extract<RunStatus, 'succeeded' | 'failed' | 'cancelled'>;

/** `unchanged`: all it computed is what was published; `skipped`: it computed nothing. */
export type StepStatus = RunStatus | 'unchanged' | 'skipped';
export type SkipReason = 'up-to-date' | 'upstream-failed' | 'removed';
/** `withheld`: it failed only for partitions that a blocking check keeps from being published. */
export type StepReason = SkipReason | 'withheld';

/**
 * Which partitions a step computes; it chooses them when it starts. `due`: what automation runs by itself; `stale`: all that is
 * not current; `listed`: exactly the planned ones; `listed-stale`, `listed-missing`: those of the planned ones that still are.
 */
export type StepScope = 'due' | 'stale' | 'listed' | 'listed-stale' | 'listed-missing';

/** A step, as its workflow knows it. */
export interface RunStep {
  readonly no: number;
  readonly asset: string;
  /** Numbers of steps that must have ended before, because it reads what they make. */
  readonly after: readonly number[];
  /** It has nothing to do unless one of those changed something. */
  readonly follows: boolean;
}

/** A run that stands in the warehouse, to be started as `run/<id>`. */
export interface PlannedRun {
  readonly id: string;
  readonly cause: RunCause;
  readonly steps: readonly RunStep[];
}

/** Sortable by time, and good as a part of a path. `random`: hexadecimal digits. */
export function runIdOf(nowMs: number, random: string): string {
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]/g, '').slice(0, 15);
  return `${time}-${random.slice(0, 6)}`;
}

/** How a step ended. */
export interface StepOutcome {
  readonly status: Exclude<StepStatus, 'queued' | 'running'>;
  readonly reason?: StepReason;
  /** Why it failed, although it has published what could be published. */
  readonly error?: string;
  /** Partitions that were computed, those of them that came out as they were, and their rows. */
  readonly partitions: number;
  readonly unchanged: number;
  readonly rows: number;
}
