// A Temporal client for one command, closed at its end, and what pipelines are started with.

import type { Client } from '@temporalio/client';
import type { PipelineInput } from '../../workflows/model/run.ts';
import type { ResolvedProject } from '../config/project.ts';
import { temporalSettings } from '../config/temporal.ts';
import { pipelineInputs } from '../pipeline-resources.ts';
import { connectClient, ensureSearchAttributes } from '../temporal/connection.ts';
import type { Cli } from './cli.ts';
import { HEARTBEAT_TIMEOUT_SECONDS } from './heartbeat.ts';

export interface TemporalAccess {
  readonly client: Client;
  /** False when the namespace lacks walflow's search attributes. */
  readonly searchAttributes: boolean;
  readonly pipelines: ReadonlyMap<string, PipelineInput>;
}

/** @throws WalflowError TEMPORAL_UNREACHABLE */
export async function withTemporal<T>(
  cli: Cli,
  project: ResolvedProject,
  work: (temporal: TemporalAccess) => Promise<T>,
): Promise<T> {
  const client = await connectClient(temporalSettings(cli.settings()));
  try {
    const searchAttributes = await ensureSearchAttributes(client);
    const pipelines = pipelineInputs(project, HEARTBEAT_TIMEOUT_SECONDS, searchAttributes);
    return await work({ client, searchAttributes, pipelines });
  } finally {
    await client.connection.close();
  }
}
