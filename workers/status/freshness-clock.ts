// Freshness age = now − the last moment when everything the source had committed until then was readable. Pure: positions
// and times in, an age out. An idle source stays fresh, because nothing lies between its position and what is readable.

import type { Lsn } from '../../workflows/model/lsn.ts';

interface Sample {
  readonly atMs: number;
  /** End of the source's log at that moment. */
  readonly sourceLsn: Lsn;
}

/** At one sample a second: an hour of falling behind is told exactly, beyond that the oldest sample counts. */
const MAX_SAMPLES = 3_600;

export class FreshnessClock {
  readonly #waiting: Sample[] = [];
  #freshAtMs: number | null = null;

  /** The source's log ended at `sourceLsn` at `atMs`. */
  sourceAt(sourceLsn: Lsn, atMs: number): void {
    this.#waiting.push({ atMs, sourceLsn });
    if (this.#waiting.length > MAX_SAMPLES) this.#waiting.shift();
  }

  /** Everything before `readableLsn` can be read in the warehouse. */
  readableTo(readableLsn: Lsn): void {
    while (this.#waiting[0] !== undefined && this.#waiting[0].sourceLsn <= readableLsn) {
      this.#freshAtMs = this.#waiting.shift()?.atMs ?? this.#freshAtMs;
    }
  }

  /** Seconds; null before anything was ever readable. */
  ageSeconds(nowMs: number): number | null {
    return this.#freshAtMs === null ? null : Math.max(0, (nowMs - this.#freshAtMs) / 1000);
  }
}
