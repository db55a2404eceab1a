// What all activities share: how a failure is told, who is running, and the heartbeat while work is under way.

import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { retryRuleOf, WalflowError } from '../workflows/model/errors.ts';
import type { RunRef } from '../workflows/model/run.ts';

/** A heartbeat timeout has at least five seconds; the SDK sends what is told at most every two. */
const HEARTBEAT_MS = 1_000;

/**
 * Wraps an activity so that its failures explain themselves: the code is the failure's type, message and hint stay readable
 * in the Web UI, and nothing else of the error (it may hold a connection string) is sent. A request that is itself wrong is
 * not retried.
 */
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
  // Node's APIs throw an AbortError when the activity's signal aborts: for Temporal that is a cancellation.
  if (failure instanceof Error && failure.name === 'AbortError') return new CancelledFailure('cancelled');
  const known =
    failure instanceof WalflowError ? failure : new WalflowError('INTERNAL', String(failure), { cause: failure });
  return ApplicationFailure.create({
    type: known.code,
    message: known.toLine(),
    nonRetryable: retryRuleOf(known.code) === 'never',
  });
}

/** Workflow id, run id and attempt of the activity that is executing, as manifests, ledger and records keep it. */
export function runRef(): RunRef {
  const { workflowExecution, attempt } = Context.current().info;
  return { workflowId: workflowExecution?.workflowId ?? 'standalone', runId: workflowExecution?.runId ?? '', attempt };
}

/**
 * Tells Temporal that the attempt lives until the work has ended, and how far it is. Without it another worker is given the
 * activity, and neither a cancellation nor a pause is heard.
 */
export async function withHeartbeat<T>(details: () => unknown, work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const alive = setInterval(() => context.heartbeat(details()), HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(alive);
  }
}
