// Takes turns inside the process that owns the warehouse: one merge at a time, a limited number of reads. First come, first
// served.

/** Lets `width` pieces of work run at once; others wait. A width of 1 is a mutex. */
export class Turnstile {
  readonly #width: number;
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(width: number) {
    this.#width = width;
  }

  /**
   * Waits for a turn, runs `work`, and passes the turn on in any case.
   * @param signal ends the wait, not the work; rejects with the reason of the signal
   */
  async pass<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#inside < this.#width) this.#inside += 1;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      this.#passOn();
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

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.delete(enter);
        reject(signal?.reason);
      };
      this.#waiting.add(enter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  #passOn(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#inside -= 1;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
