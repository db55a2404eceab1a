// The options of a role of `walflow worker`, and what the HTTP servers of all roles share.

import type { Logger } from 'pino';
import type { Settings } from '../../config/setting.ts';
import type { HttpGuard } from '../../http/guard.ts';
import type { WorkerOptions } from '../../worker-process.ts';

export type WorkerRole = 'ingest' | 'warehouse';

export interface RoleOptions extends WorkerOptions {
  readonly settings: Settings;
  /** State folder, absolute. */
  readonly home: string;
  /** The configuration counts as deployed whenever it is saved. */
  readonly watch: boolean;
}

export function guardOf({ httpHost, httpAllowedHosts, token }: Settings): HttpGuard {
  return { bindHost: httpHost, allowedHosts: httpAllowedHosts, token };
}

export function logFailure(log: Logger): (failure: unknown) => void {
  return (failure) =>
    log.error({ failure: failure instanceof Error ? failure.stack : String(failure) }, 'a request failed');
}
