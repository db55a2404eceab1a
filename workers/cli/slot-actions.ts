// What `walflow slot` and `remove` do. Stopped is not safe: a slot that nobody reads keeps WAL until the disk is full.

import { dropPublications } from '../../activities/wal/postgres/publication.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { ingestWorkflowId, mergeWorkflowId } from '../../workflows/model/names.ts';
import type { ResolvedPipeline, ResolvedProject } from '../config/project.ts';
import type { Cli } from './cli.ts';
import { beginNewEpoch, stopRun } from './pipeline-runs.ts';
import { pipelineNamed } from './project-flags.ts';
import { slotText } from './slot-text.ts';
import { dropPipelineSlot, onSource, readSlot } from './source-access.ts';
import { type TemporalAccess, withTemporal } from './temporal-access.ts';
import { EXIT, type ExitCode } from './terminal.ts';

export interface SlotFlags {
  readonly source?: string;
  readonly json?: boolean;
}

/** Names of the actions below. */
export type SlotAction = 'showSlot' | 'dropOwnSlot' | 'recreateSlot' | 'removePipeline';

/** Exit 1 when there is nothing to go on from. */
export async function showSlot(cli: Cli, name: string, flags: SlotFlags): Promise<ExitCode> {
  const { pipeline } = await pipelineNamed(cli, name, flags);
  const { slot } = pipeline.source;
  const health = await readSlot(pipeline);
  cli.terminal.out(flags.json ? JSON.stringify({ slot, ...health }) : slotText(slot, health));
  return health.tag === 'missing' || health.tag === 'lost' ? EXIT.failed : EXIT.done;
}

export async function dropOwnSlot(cli: Cli, name: string, flags: SlotFlags): Promise<ExitCode> {
  const { pipeline } = await pipelineNamed(cli, name, flags);
  const { slot } = pipeline.source;
  await dropPipelineSlot(pipeline);
  cli.terminal.out(`slot ${slot} is gone; \`walflow slot recreate ${name}\` makes it anew`);
  return EXIT.done;
}

export async function recreateSlot(cli: Cli, name: string, flags: SlotFlags): Promise<ExitCode> {
  const { project, pipeline } = await pipelineNamed(cli, name, flags);
  await withTemporal(cli, project, ({ client, pipelines }) => beginNewEpoch(client, pipelines, name));
  cli.terminal.out(`${ingestWorkflowId(name)} makes slot ${pipeline.source.slot} anew and copies every table`);
  return EXIT.done;
}

/** Ingest stops first: a stream that is alive would only make its slot again or fail noisily. */
export async function removePipeline(cli: Cli, name: string, flags: SlotFlags): Promise<ExitCode> {
  const { terminal } = cli;
  const { project, pipeline } = await pipelineNamed(cli, name, flags);
  const { slot, publication } = pipeline.source;
  for (const workflowId of await stopped(cli, project, pipeline)) terminal.out(`${workflowId} is stopped`);
  await dropPipelineSlot(pipeline);
  await onSource(pipeline, (source) => dropPublications(source, publication));
  terminal.out(`slot ${slot} and publication ${publication} are gone`);
  terminal.out(`the lake is kept: ${pipeline.lake.url}/${name}`);
  return EXIT.done;
}

/** The source's disk matters more than Temporal: a service that is down does not stop the removal. */
async function stopped(cli: Cli, project: ResolvedProject, { name }: ResolvedPipeline): Promise<readonly string[]> {
  const stopBoth = async ({ client }: TemporalAccess) => {
    const ids = [ingestWorkflowId(name), mergeWorkflowId(name)];
    const ran = await Promise.all(ids.map((workflowId) => stopRun(client, workflowId)));
    return ids.filter((_, i) => ran[i]);
  };
  try {
    return await withTemporal(cli, project, stopBoth);
  } catch (failure) {
    if (!(failure instanceof WalflowError) || failure.code !== 'TEMPORAL_UNREACHABLE') throw failure;
    cli.terminal.err(`${failure.message}: the pipeline's workflows are left as they are`);
    return [];
  }
}
