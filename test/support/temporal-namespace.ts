// A Temporal namespace of its own for one test: task queues have fixed names, so files share the server, not a namespace.

import { Connection } from '@temporalio/client';
import { vi } from 'vitest';

/** A namespace is usable once every service of the server has seen it. */
export async function registerNamespace(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: 86_400 as unknown as never },
    });
    await vi.waitFor(() => connection.workflowService.listOpenWorkflowExecutions({ namespace }), {
      timeout: 30_000,
      interval: 200,
    });
  } finally {
    await connection.close();
  }
}
