// Station 11 on a row's way. Freshness age = now − the last moment when everything the source had committed by then was
// readable. Pure: positions and times in, an age out. An idle source stays fresh, because all it has is readable.

import type { Lsn } from '../../workflows/model/lsn.ts';

interface Sample {
  readonly atMs: number;
  /** End of the source's WAL at that moment. */
  readonly sourceLsn: Lsn;
}

/** At one sample a second the age is exact up to an hour; beyond that the oldest sample counts. */
const MAX_SAMPLES = 3_600;

export class FreshnessClock {
  readonly #waiting: Sample[] = [];
  #freshAtMs: number | null = null;

  /** The source's WAL ended at `sourceLsn` at `atMs`. */
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

  /** Seconds; null until something was readable. */
  ageSeconds(nowMs: number): number | null {
    return this.#freshAtMs === null ? null : Math.max(0, (nowMs - this.#freshAtMs) / 1000);
  }
}
