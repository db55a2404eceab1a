// Who is running: the identity of the current activity attempt, as manifests, ledger and records keep it.

import { Context } from '@temporalio/activity';
import type { RunRef } from '../workflows/model/run.ts';

/** Workflow id, run id and attempt of the activity that is executing. */
export function runRef(): RunRef {
  const { workflowExecution, attempt } = Context.current().info;
  return { workflowId: workflowExecution?.workflowId ?? 'standalone', runId: workflowExecution?.runId ?? '', attempt };
}
