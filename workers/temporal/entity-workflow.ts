// The workflows that live as long as their pipeline or project: what each is started with, and how one that runs is brought
// to what is configured now. Repeating that changes nothing, so every worker does it when it starts, and losing Temporal's
// database costs nothing but the history.

import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import {
  automationWorkflowId,
  INGEST_QUEUE,
  ingestWorkflowId,
  mergeWorkflowId,
  warehouseQueue,
} from '../../workflows/model/names.ts';
import type { AutomationInput, IngestInput, RunSettings } from '../../workflows/model/run.ts';
import { type Attributes, attributesOf } from '../../workflows/search-attributes.ts';

export interface Entity {
  readonly type: 'ingest' | 'merge' | 'automation';
  readonly workflowId: string;
  /** A merge and an automation work on the warehouse whose queue they run on. */
  readonly taskQueue: string;
  /** Names only: what can change is in the memo. */
  readonly input: IngestInput | AutomationInput;
  readonly summary: string;
  readonly attributes: Attributes;
}

export const ingestEntity = (pipeline: string): Entity => ({
  type: 'ingest',
  workflowId: ingestWorkflowId(pipeline),
  taskQueue: INGEST_QUEUE,
  input: { pipeline },
  summary: `ingest ${pipeline}: log → lake`,
  attributes: { pipeline, kind: 'ingest' },
});

export const mergeEntity = (pipeline: string, warehouse: string): Entity => ({
  type: 'merge',
  workflowId: mergeWorkflowId(pipeline),
  taskQueue: warehouseQueue(warehouse),
  input: { pipeline },
  summary: `merge ${pipeline}: lake → warehouse`,
  attributes: { pipeline, kind: 'merge' },
});

export const automationEntity = (project: string, warehouse: string): Entity => ({
  type: 'automation',
  workflowId: automationWorkflowId(project),
  taskQueue: warehouseQueue(warehouse),
  input: { project },
  summary: `automation of ${project}`,
  attributes: { kind: 'automation' },
});

/**
 * missing = no such run · elsewhere = it runs on another queue, which may be one that no worker polls any more ·
 * outdated = it goes by other settings; null = an older version started it and has not said by which · current = nothing is to be done.
 */
export type EntityState =
  | { readonly tag: 'missing' }
  | { readonly tag: 'elsewhere'; readonly taskQueue: string }
  | { readonly tag: 'outdated'; readonly settings: RunSettings | null }
  | { readonly tag: 'current' };

/** Asks the server alone: it answers while no worker lives. */
export async function examineEntity(client: Client, entity: Entity, settings: RunSettings): Promise<EntityState> {
  const run = await client.workflow
    .getHandle(entity.workflowId)
    .describe()
    .catch((failure: unknown) => {
      if (failure instanceof WorkflowNotFoundError) return null;
      throw failure;
    });
  if (run === null || run.status.name !== 'RUNNING') return { tag: 'missing' };
  if (run.taskQueue !== entity.taskQueue) return { tag: 'elsewhere', taskQueue: run.taskQueue };
  const told = (run.memo?.settings ?? null) as RunSettings | null;
  const same =
    told?.heartbeatTimeoutSeconds === settings.heartbeatTimeoutSeconds &&
    told.searchAttributes === settings.searchAttributes;
  return same ? { tag: 'current' } : { tag: 'outdated', settings: told };
}

/** Starts, moves or tells the run, whatever is needed. @returns what it was before */
export async function reconcileEntity(client: Client, entity: Entity, settings: RunSettings): Promise<EntityState> {
  const before = await examineEntity(client, entity, settings);
  if (before.tag === 'missing') await startEntity(client, entity, settings, 'USE_EXISTING');
  if (before.tag === 'elsewhere') await replaceEntity(client, entity, settings);
  if (before.tag === 'outdated') await client.workflow.getHandle(entity.workflowId).signal('configure', settings);
  return before;
}

/**
 * A new run in the place of one that may not listen any more. What the old one was doing is cancelled, also what waits on
 * a queue that no worker polls; lake, slot and warehouse tell the new one where to go on.
 */
export async function replaceEntity(client: Client, entity: Entity, settings: RunSettings): Promise<void> {
  await startEntity(client, entity, settings, 'TERMINATE_EXISTING');
}

/** Rings the run; starts it when there is none. */
export async function ringEntity(
  client: Client,
  entity: Entity,
  settings: RunSettings,
  signal: 'landed' | 'event',
): Promise<void> {
  await client.workflow.signalWithStart(entity.type, { ...startOptions(entity, settings), signal });
}

async function startEntity(
  client: Client,
  entity: Entity,
  settings: RunSettings,
  workflowIdConflictPolicy: 'USE_EXISTING' | 'TERMINATE_EXISTING',
): Promise<void> {
  await client.workflow.start(entity.type, { ...startOptions(entity, settings), workflowIdConflictPolicy });
}

const startOptions = (entity: Entity, settings: RunSettings) => ({
  workflowId: entity.workflowId,
  taskQueue: entity.taskQueue,
  args: [entity.input],
  staticSummary: entity.summary,
  memo: { settings },
  ...attributesOf(settings.searchAttributes, entity.attributes),
});
