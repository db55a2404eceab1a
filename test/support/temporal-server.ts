// A Temporal server of a test file's own, for what cannot be set in the one all files share.

import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type RunningChild, startChild } from '../../workers/embedded/child.ts';
import { freePorts } from '../../workers/embedded/port.ts';
import { TEMPORAL_CLI } from '../../workers/embedded/program-release.ts';
import { findProgram } from '../../workers/embedded/program-search.ts';
import { prepareTemporal, temporalAddress } from '../../workers/embedded/temporal.ts';

/**
 * Runs while the tests of the calling file do.
 * @param suggestAfterEvents - history length at which the server suggests continue-as-new; its default is 4,096.
 */
export function freshTemporal(folder: string, suggestAfterEvents: number): { readonly address: () => string } {
  let address = '';
  let server: RunningChild | undefined;
  beforeAll(async () => {
    const [port = 0] = await freePorts(1);
    const program = await findProgram(TEMPORAL_CLI, { env: process.env, onFetch: () => {} });
    const logFile = join(folder, 'temporal.log');
    const spec = await prepareTemporal({ program, folder: join(folder, 'temporal'), port, uiPort: null, logFile });
    const limit = `limit.historyCount.suggestContinueAsNew=${suggestAfterEvents}`;
    server = await startChild({ ...spec, args: [...spec.args, '--dynamic-config-value', limit] });
    address = temporalAddress({ port });
  });
  afterAll(async () => {
    await server?.stop();
  });
  return { address: () => address };
}
