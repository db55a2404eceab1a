// What timers and events call. Nobody catches what is thrown there: it would end the process.

/** Passes on what the work throws, or rejects with, instead of letting it out. */
export function safely<Args extends readonly unknown[]>(
  work: (...args: Args) => unknown,
  onFailure: (failure: unknown) => void,
): (...args: Args) => void {
  return (...args) => {
    try {
      const result = work(...args);
      if (result instanceof Promise) result.catch(onFailure);
    } catch (failure) {
      onFailure(failure);
    }
  };
}

/** For work that only informs, or that is tried again: nothing depends on this one time. */
export const ignored = (): void => {};
