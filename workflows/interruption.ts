// A long activity that a message can end: it is cancelled and awaited before the next one starts.

import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';

/**
 * Runs an activity until it ends by itself, or until `isOver` and then cancels it. It is awaited in both cases: in its last
 * moments it still lands or merges what is complete.
 * @returns null when it was cancelled
 */
export async function runUntil<T>(isOver: () => boolean, work: () => Promise<T>): Promise<T | null> {
  const scope = new CancellationScope();
  const running = scope.run(work);
  const ended = running.then(
    () => {},
    () => {},
  );
  const over = scope.run(() => condition(isOver));
  // It ends with the scope, even when it is no longer awaited.
  over.catch(() => {});
  try {
    await Promise.race([ended, over]);
  } finally {
    scope.cancel();
    await ended;
  }
  try {
    return await running;
  } catch (failure) {
    // If the run itself is cancelled, it ends; otherwise it would start the same activity again, for ever.
    if (isCancellation(failure) && !CancellationScope.current().consideredCancelled) return null;
    throw failure;
  }
}
