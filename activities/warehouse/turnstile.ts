// Turn-taking inside the process that owns the warehouse file: one merge at a time, a bounded number of reads. First come,
// first served.

/** Lets `width` pieces of work run at once; the rest wait their turn. A width of 1 is a mutex. */
export class Turnstile {
  readonly #width: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(width: number) {
    this.#width = width;
  }

  /** Waits for a turn, runs `work`, and passes the turn on whatever happened. */
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

  /** Runs `work` when nobody else is inside, and lets nobody in meanwhile. ⚠ Two at once would wait for each other. */
  async passAlone<T>(work: () => Promise<T>): Promise<T> {
    const enter = async (inside: number): Promise<T> =>
      inside === this.#width ? await work() : await this.pass(() => enter(inside + 1));
    return await enter(0);
  }
}
