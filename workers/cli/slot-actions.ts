// What `walflow slot` and `remove` do. A slot that is not read keeps WAL until the source's disk is full.

import { WalflowError } from '../../workflows/model/errors.ts';
import { ingestWorkflowId, mergeWorkflowId } from '../../workflows/model/names.ts';
import type { ResolvedPipeline } from '../config/project.ts';
import type { Settings } from '../config/setting.ts';
import type { Cli } from './cli.ts';
import { lakeClaim } from './lake-claim.ts';
import { beginNewEpoch, stopRun } from './pipeline-runs.ts';
import { pipelineNamed } from './project-flags.ts';
import { slotText } from './slot-text.ts';
import { dropEverything, dropPipelineSlot, proveOwned, readSlot } from './source-access.ts';
import { type TemporalAccess, withTemporal } from './temporal-access.ts';
import { EXIT, type ExitCode } from './terminal.ts';

export interface SlotFlags {
  readonly source?: string;
  readonly json?: boolean;
}

/** Names of the actions below. */
export type SlotAction = 'showSlot' | 'dropOwnSlot' | 'recreateSlot' | 'removePipeline';

/** Exit code 1 when the slot cannot be continued. */
export async function showSlot(cli: Cli, name: string, flags: SlotFlags): Promise<ExitCode> {
  const { pipeline } = await pipelineNamed(cli, name, flags);
  const { slot } = pipeline.source;
  const health = await readSlot(pipeline);
  cli.terminal.out(flags.json ? JSON.stringify({ slot, ...health }) : slotText(slot, health));
  return health.tag === 'missing' || health.tag === 'lost' ? EXIT.failed : EXIT.done;
}

export async function dropOwnSlot(cli: Cli, name: string, flags: SlotFlags): Promise<ExitCode> {
  const { pipeline, ...place } = await pipelineNamed(cli, name, flags);
  const { slot } = pipeline.source;
  await dropPipelineSlot(pipeline, await lakeClaim(pipeline, place));
  cli.terminal.out(`slot ${slot} is dropped; \`walflow slot recreate ${name}\` makes a new one`);
  return EXIT.done;
}

export async function recreateSlot(cli: Cli, name: string, flags: SlotFlags): Promise<ExitCode> {
  const { pipeline, settings: reach } = await pipelineNamed(cli, name, flags);
  await withTemporal(reach, ({ client, settings }) => beginNewEpoch(client, name, settings));
  cli.terminal.out(
    `${ingestWorkflowId(name)} makes a new slot ${pipeline.source.slot} and takes a new snapshot of every table`,
  );
  return EXIT.done;
}

/** Ingest stops first: a living stream would make its slot again, or fail with a misleading error. */
export async function removePipeline(cli: Cli, name: string, flags: SlotFlags): Promise<ExitCode> {
  const { terminal } = cli;
  const { pipeline, settings, ...place } = await pipelineNamed(cli, name, flags);
  const { slot, publication } = pipeline.source;
  const claim = await lakeClaim(pipeline, place);
  await proveOwned(pipeline, claim);
  for (const workflowId of await stopped(cli, pipeline, settings)) terminal.out(`${workflowId} is stopped`);
  await dropEverything(pipeline, claim);
  terminal.out(`slot ${slot} and publication ${publication} are dropped`);
  terminal.out(`the lake is kept: ${pipeline.lake.url}/${name}`);
  return EXIT.done;
}

/** The source's disk matters more than Temporal: the removal goes on even if Temporal is down. */
async function stopped(cli: Cli, { name }: ResolvedPipeline, settings: Settings): Promise<readonly string[]> {
  const stopBoth = async ({ client }: TemporalAccess) => {
    const ids = [ingestWorkflowId(name), mergeWorkflowId(name)];
    const ran = await Promise.all(ids.map((workflowId) => stopRun(client, workflowId)));
    return ids.filter((_, i) => ran[i]);
  };
  try {
    return await withTemporal(settings, stopBoth);
  } catch (failure) {
    if (!(failure instanceof WalflowError) || failure.code !== 'TEMPORAL_UNREACHABLE') throw failure;
    cli.terminal.err(`${failure.message}: the pipeline's workflows are left as they are`);
    return [];
  }
}
