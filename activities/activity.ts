// The one place where walflow's failures become Temporal's: the code is the failure's type, message and hint stay
// readable in the Web UI, and nothing else of the error (it may hold a connection string) is sent.

import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { retryRuleOf, WalflowError } from '../workflows/model/errors.ts';

/** Wraps an activity so that its failures explain themselves. A request that is itself wrong is not retried. */
export function describeFailure<Input, Output>(
  activity: (input: Input) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    try {
      return await activity(input);
    } catch (failure) {
      throw asApplicationFailure(failure);
    }
  };
}

function asApplicationFailure(failure: unknown): unknown {
  if (failure instanceof CancelledFailure) return failure;
  // Node's own APIs end with an AbortError when the activity's signal aborts: to Temporal that is a cancellation.
  if (failure instanceof Error && failure.name === 'AbortError') return new CancelledFailure('cancelled');
  const known =
    failure instanceof WalflowError ? failure : new WalflowError('INTERNAL', String(failure), { cause: failure });
  return ApplicationFailure.create({
    type: known.code,
    message: known.toLine(),
    nonRetryable: retryRuleOf(known.code) === 'never',
  });
}
