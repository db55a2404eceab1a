// What `walflow deploy` and `start` do: start the long-lived workflows, and update those that run to the configuration. Each
// is printed with what changes.

import { ASSET_WAREHOUSE, type ResolvedPipeline, type ResolvedProject } from '../config/project.ts';
import {
  automationEntity,
  type Entity,
  examineEntity,
  ingestEntity,
  mergeEntity,
  reconcileEntity,
} from '../temporal/entity-workflow.ts';
import { examineSchedules, reconcileSchedules } from '../temporal/project-schedule.ts';
import type { Cli } from './cli.ts';
import { entityLine, scheduleLine, skippedLine } from './deployment-text.ts';
import { pipelineNamed } from './project-flags.ts';
import type { ProjectFlags } from './target.ts';
import { type TemporalAccess, withTemporal } from './temporal-access.ts';
import { EXIT, type ExitCode } from './terminal.ts';

export interface DeployFlags {
  readonly dryRun?: boolean;
  readonly heartbeatTimeout?: string;
}

/** Starts one pipeline's workflows. */
export async function start(cli: Cli, name: string, flags: Pick<ProjectFlags, 'source'>): Promise<ExitCode> {
  const { pipeline, settings } = await pipelineNamed(cli, name, flags);
  await withTemporal(settings, async (temporal) => {
    for (const entity of entitiesOf(pipeline)) await bring(cli, temporal, entity, false);
  });
  return EXIT.done;
}

/** Updates all workflows and schedules of the project to the configuration; a second time this changes nothing. */
export async function deploy(cli: Cli, { dryRun = false, heartbeatTimeout }: DeployFlags): Promise<ExitCode> {
  const { project, settings } = await cli.projectTarget({ WALFLOW_HEARTBEAT_TIMEOUT: heartbeatTimeout });
  const work = async (temporal: TemporalAccess) => {
    let changes = announceAttributes(cli, temporal);
    for (const entity of projectEntities(project)) changes += await bring(cli, temporal, entity, dryRun);
    changes += await bringSchedules(cli, temporal, project, dryRun);
    if (changes === 0) cli.terminal.out('nothing changes');
    else if (dryRun) cli.terminal.out('a dry run: nothing was done');
  };
  await withTemporal(settings, work, { dryRun });
  return EXIT.done;
}

function announceAttributes({ terminal }: Cli, { searchAttributes }: TemporalAccess): number {
  const { known, registered } = searchAttributes;
  if (!known) terminal.out('! search attributes cannot be registered: runs are found by id only');
  if (registered.length === 0) return 0;
  terminal.out(`+ search attributes ${registered.join(', ')}`);
  return 1;
}

const entitiesOf = ({ name, warehouse }: ResolvedPipeline) => [ingestEntity(name), mergeEntity(name, warehouse)];

function projectEntities({ name, pipelines, graph }: ResolvedProject): readonly Entity[] {
  const automation = graph.derived.length === 0 ? [] : [automationEntity(name, ASSET_WAREHOUSE)];
  return [...[...pipelines.values()].flatMap(entitiesOf), ...automation];
}

/** @returns the number of changes */
async function bringSchedules(
  { terminal }: Cli,
  { client, settings }: TemporalAccess,
  { name: project, schedules }: ResolvedProject,
  dryRun: boolean,
): Promise<number> {
  const changes = await (dryRun ? examineSchedules : reconcileSchedules)(client, { project, schedules, settings });
  for (const change of changes) terminal.out(scheduleLine(project, change, settings));
  for (const schedule of schedules) {
    const warning = skippedLine(project, schedule, Date.now());
    if (warning !== null) terminal.out(warning);
  }
  return changes.filter(({ tag }) => tag !== 'same').length;
}

/** @returns the number of changes */
async function bring(cli: Cli, temporal: TemporalAccess, entity: Entity, dryRun: boolean): Promise<number> {
  const { client, settings } = temporal;
  const before = await (dryRun ? examineEntity : reconcileEntity)(client, entity, settings);
  cli.terminal.out(entityLine(entity, before, settings));
  return before.tag === 'current' ? 0 : 1;
}
