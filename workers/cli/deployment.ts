// What `walflow deploy` and `start` do: start the long-lived workflows, unless they run already.

import { ingestWorkflowId, mergeWorkflowId } from '../../workflows/model/names.ts';
import { ASSET_WAREHOUSE, type ResolvedProject } from '../config/project.ts';
import { startAutomation, startIngest, startMerge } from '../temporal/entity-workflow.ts';
import type { Cli, ProjectFlags } from './cli.ts';
import { HEARTBEAT_TIMEOUT_SECONDS } from './heartbeat.ts';
import { entityWorkflowIds, inputOf, isRunning } from './pipeline-runs.ts';
import { pipelineNamed } from './project-flags.ts';
import { type TemporalAccess, withTemporal } from './temporal-access.ts';
import { EXIT, type ExitCode } from './terminal.ts';

/** Starts one pipeline's workflows. */
export async function start(cli: Cli, name: string, flags: Pick<ProjectFlags, 'source'>): Promise<ExitCode> {
  const { project } = await pipelineNamed(cli, name, flags);
  await withTemporal(cli, project, (temporal) => startPipeline(temporal, name));
  cli.terminal.out(`${ingestWorkflowId(name)} and ${mergeWorkflowId(name)} run`);
  return EXIT.done;
}

/** Starts all workflows of the project; prints `+` for new ones, `=` for those that run already. */
export async function deploy(cli: Cli, dryRun: boolean): Promise<ExitCode> {
  const project = await cli.project({});
  return await withTemporal(cli, project, async (temporal) => {
    if (!temporal.searchAttributes)
      cli.terminal.out('! search attributes cannot be registered: runs can be found only by id');
    for (const workflowId of entityWorkflowIds(project)) {
      const running = await isRunning(temporal.client, workflowId);
      cli.terminal.out(running ? `= ${workflowId} runs` : `+ ${workflowId} ${dryRun ? 'would be started' : 'starts'}`);
    }
    if (!dryRun) await startAll(temporal, project);
    return EXIT.done;
  });
}

async function startAll(temporal: TemporalAccess, project: ResolvedProject): Promise<void> {
  for (const name of project.pipelines.keys()) await startPipeline(temporal, name);
  if (project.graph.derived.length === 0) return;
  const { client, searchAttributes } = temporal;
  await startAutomation(client, {
    project: project.name,
    warehouse: ASSET_WAREHOUSE,
    heartbeatTimeoutSeconds: HEARTBEAT_TIMEOUT_SECONDS,
    searchAttributes,
  });
}

async function startPipeline({ client, pipelines }: TemporalAccess, name: string): Promise<void> {
  const input = inputOf(pipelines, name);
  await startIngest(client, input);
  await startMerge(client, input);
}
