// What Temporal's SDK has to say goes into the log of the process, in its form; once per process.

import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;

/** A worker's changes of state are details to everybody but its author: the SDK's INFO becomes debug. */
export function logTemporal(log: Logger): void {
  const logger = new DefaultLogger('INFO', ({ level, message, meta }) =>
    log[LEVELS[level]]({ temporal: meta ?? {} }, message),
  );
  Runtime.install({ logger });
}
