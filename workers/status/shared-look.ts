// One look for all who ask at once: hundreds of callers cost what two cost.

export class SharedLook<T> {
  readonly #look: () => Promise<T>;
  readonly #sharedMs: number;
  #running: Promise<T> | null = null;
  #next: Promise<T> | null = null;
  #beganMs = 0;

  /** @param sharedMs a caller may join a look that began so long ago */
  constructor(look: () => Promise<T>, sharedMs = 0) {
    this.#look = look;
    this.#sharedMs = sharedMs;
  }

  /** What a look sees that begins after this call: one that runs already may have missed what the caller knows of. */
  see(): Promise<T> {
    if (this.#running === null) return this.#begin();
    if (performance.now() - this.#beganMs < this.#sharedMs) return this.#running;
    const begin = () => this.#begin();
    this.#next ??= this.#running.then(begin, begin);
    return this.#next;
  }

  #begin(): Promise<T> {
    this.#next = null;
    this.#beganMs = performance.now();
    const running = this.#look().finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }
}
