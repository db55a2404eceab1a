// What all activities share: how failures are reported, the identity of the run, and heartbeats during work.

import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { safely } from '../workflows/model/callback.ts';
import { retryRuleOf, WalflowError } from '../workflows/model/errors.ts';
import type { RunRef } from '../workflows/model/run.ts';

/** A heartbeat timeout is at least five seconds, and the SDK sends a heartbeat at most every two. */
const HEARTBEAT_MS = 1_000;
const WAIT_AGAIN = '5 seconds';

/**
 * Wraps an activity so that its failures explain themselves: the code is the failure's type, and message and hint can be read
 * in the Web UI. Nothing else of an error is sent, because it may contain a connection string. A request that is wrong is not
 * retried.
 */
export function describeFailure<Input, Output>(
  { broken }: { readonly broken: AbortSignal },
  activity: (input: Input) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    try {
      return await unlessBroken(broken, activity(input));
    } catch (failure) {
      throw asApplicationFailure(failure);
    }
  };
}

/** A process that cannot be trusted any more says so at once; else Temporal would only see that heartbeats end. */
async function unlessBroken<Output>(broken: AbortSignal, running: Promise<Output>): Promise<Output> {
  const { promise, reject } = Promise.withResolvers<never>();
  const fail = () => reject(broken.reason);
  if (broken.aborted) fail();
  broken.addEventListener('abort', fail, { once: true });
  try {
    return await Promise.race([running, promise]);
  } finally {
    broken.removeEventListener('abort', fail);
  }
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
    // It only looks whether the wait is over; with the usual backoff it would see that up to a minute late.
    ...(known.code === 'SNAPSHOT_WAITS' ? { nextRetryDelay: WAIT_AGAIN } : {}),
  });
}

/** Workflow id, run id and attempt of the current activity, as manifests, ledger and records store them. */
export function runRef(): RunRef {
  const { workflowExecution, attempt } = Context.current().info;
  return { workflowId: workflowExecution?.workflowId ?? 'standalone', runId: workflowExecution?.runId ?? '', attempt };
}

/**
 * Sends heartbeats with progress until the work has ended. Without them Temporal gives the activity to another worker, and
 * neither a cancellation nor a pause reaches it.
 */
export async function withHeartbeat<T>(details: () => unknown, work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const failed = Promise.withResolvers<never>();
  const alive = setInterval(
    safely(() => context.heartbeat(details()), failed.reject),
    HEARTBEAT_MS,
  );
  try {
    return await Promise.race([work(), failed.promise]);
  } finally {
    clearInterval(alive);
  }
}
