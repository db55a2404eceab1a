// The workflows that live as long as their pipeline or project: what each is started with, and how a running one gets changed
// settings. Repeating this changes nothing, so every worker does it at its start, and a lost Temporal database costs only
// the history.

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
  /** Merge and automation run on the queue of their warehouse. */
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
 * missing = no such run · elsewhere = it runs on another queue, which perhaps no worker polls any more · outdated = it has
 * other settings; null = an older version started it, and its settings are not known · current = nothing to do.
 */
export type EntityState =
  | { readonly tag: 'missing' }
  | { readonly tag: 'elsewhere'; readonly taskQueue: string }
  | { readonly tag: 'outdated'; readonly settings: RunSettings | null }
  | { readonly tag: 'current' };

/** Asks only the server, which answers even if no worker runs. */
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

/** Starts the run, moves it, or sends it the settings, as needed. @returns what it was before */
export async function reconcileEntity(client: Client, entity: Entity, settings: RunSettings): Promise<EntityState> {
  const before = await examineEntity(client, entity, settings);
  if (before.tag === 'missing') await startEntity(client, entity, settings, 'USE_EXISTING');
  if (before.tag === 'elsewhere') await replaceEntity(client, entity, settings);
  if (before.tag === 'outdated') await client.workflow.getHandle(entity.workflowId).signal('configure', settings);
  return before;
}

/**
 * Replaces a run that may no longer listen. Whatever the old one was doing is cancelled, even if it waits on a queue that no
 * worker polls; the new one reads from lake, slot and warehouse where to go on.
 */
export async function replaceEntity(client: Client, entity: Entity, settings: RunSettings): Promise<void> {
  await startEntity(client, entity, settings, 'TERMINATE_EXISTING');
}

/** Rings the run, or starts it if there is none. */
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
