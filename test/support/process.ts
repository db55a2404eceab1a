// Processes as the system sees them.

import { processOf } from '../../workers/embedded/process-identity.ts';

/** Those of the pids that still run. */
export async function stillRunning(pids: readonly number[]): Promise<readonly number[]> {
  const found = await Promise.all(pids.map(processOf));
  return found.flatMap((process) => (process === null ? [] : [process.pid]));
}
