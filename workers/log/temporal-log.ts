// Sends messages of Temporal's SDK to the logger of the process; once per process.

import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;

/** A worker's changes of state interest only the SDK's authors, so its INFO becomes debug. */
export function logTemporal(log: Logger): void {
  const logger = new DefaultLogger('INFO', ({ level, message, meta }) =>
    log[LEVELS[level]]({ temporal: meta ?? {} }, message),
  );
  Runtime.install({ logger });
}
