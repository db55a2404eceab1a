// Takes turns inside the process that owns the warehouse: one merge at a time, a limited number of reads. First come, first
// served.

/** Lets `width` pieces of work run at once; others wait. A width of 1 is a mutex. */
export class Turnstile {
  readonly #width: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(width: number) {
    this.#width = width;
  }

  /** Waits for a turn, runs `work`, and passes the turn on in any case. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#width) this.#inside += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside -= 1;
      else next();
    }
  }

  /** Runs `work` alone if nothing is inside, else not at all. */
  async passIfFree(work: () => Promise<void>): Promise<void> {
    if (this.#inside === 0) await this.passAlone(work);
  }

  /** Runs `work` alone: waits until nothing else runs, and lets nothing start meanwhile. ⚠ Two at once would deadlock. */
  async passAlone<T>(work: () => Promise<T>): Promise<T> {
    const enter = async (inside: number): Promise<T> =>
      inside === this.#width ? await work() : await this.pass(() => enter(inside + 1));
    return await enter(0);
  }
}
