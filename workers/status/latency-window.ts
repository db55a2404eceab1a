// The time from commit to queryable over the last minute: p50 and p99.

import type { LatencySummary } from '../http/backend.ts';

const WINDOW_MS = 60_000;
const MAX_SAMPLES = 10_000;

export class LatencyWindow {
  readonly #samples: { readonly atMs: number; readonly latencyMs: number }[] = [];

  add(latencyMs: number, atMs: number): void {
    this.#samples.push({ atMs, latencyMs });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.splice(0, MAX_SAMPLES / 2);
  }

  /** Null when nothing was merged in the last minute. */
  summary(nowMs: number): LatencySummary | null {
    const recent = this.#samples.filter((sample) => nowMs - sample.atMs <= WINDOW_MS).map((sample) => sample.latencyMs);
    if (recent.length === 0) return null;
    recent.sort((a, b) => a - b);
    const at = (share: number) =>
      Math.round(recent[Math.min(recent.length - 1, Math.floor(recent.length * share))] ?? 0);
    return { p50Ms: at(0.5), p99Ms: at(0.99) };
  }
}
