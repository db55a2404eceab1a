// A Temporal client for one command, closed at its end, and the settings that the command sends to running workflows.

import type { Client } from '@temporalio/client';
import type { RunSettings } from '../../workflows/model/run.ts';
import type { Settings } from '../config/setting.ts';
import { temporalSettings } from '../config/temporal.ts';
import { connectClient, ensureSearchAttributes, type SearchAttributeState } from '../temporal/connection.ts';

export interface TemporalAccess {
  readonly client: Client;
  readonly searchAttributes: SearchAttributeState;
  readonly settings: RunSettings;
}

/** @throws WalflowError TEMPORAL_UNREACHABLE */
export async function withTemporal<T>(
  settings: Settings,
  work: (temporal: TemporalAccess) => Promise<T>,
  options: { readonly dryRun?: boolean } = {},
): Promise<T> {
  const client = await connectClient(temporalSettings(settings));
  try {
    const { heartbeatTimeoutSeconds } = settings;
    const searchAttributes = await ensureSearchAttributes(client, options);
    const told = { heartbeatTimeoutSeconds, searchAttributes: searchAttributes.known };
    return await work({ client, searchAttributes, settings: told });
  } finally {
    await client.connection.close();
  }
}
