// Commit → queryable over the last minute, per pipeline, for the page and the living status. Bounded: under load the
// oldest samples of the minute give way. Pure: time is a parameter.

import type { LatencySummary } from './http/backend.ts';

const WINDOW_MS = 60_000;
const MAX_SAMPLES = 4_096;

interface Sample {
  readonly atMs: number;
  readonly latencyMs: number;
}

export class LatencyWindow {
  readonly #samples = new Map<string, Sample[]>();

  /** @param latencyMs age of a commit at the moment it became queryable */
  add(pipeline: string, latencyMs: number, nowMs: number): void {
    const samples = this.#samples.get(pipeline) ?? [];
    samples.push({ atMs: nowMs, latencyMs });
    // Cut in halves, not one by one: adding stays cheap.
    if (samples.length >= 2 * MAX_SAMPLES) samples.splice(0, MAX_SAMPLES);
    this.#samples.set(pipeline, samples);
  }

  /** Null when nothing became queryable in the last minute. */
  summary(pipeline: string, nowMs: number): LatencySummary | null {
    const recent = (this.#samples.get(pipeline) ?? []).filter(({ atMs }) => nowMs - atMs <= WINDOW_MS);
    if (recent.length === 0) return null;
    const sorted = recent.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
    return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
  }
}

/** Nearest rank. */
function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? 0;
}
