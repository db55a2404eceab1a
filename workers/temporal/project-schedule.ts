// The Temporal Schedules of a project, `walflow/<project>/<name>`: made, changed and removed so that they are those of the
// configuration. Whether one is paused is never touched: that is decided by people, here or in the Web UI.

import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  type ScheduleHandle,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import type { LoadedSchedule, Overlap, ScheduledInput } from '../../workflows/model/asset/schedule.ts';
import { scheduledWorkflowId, scheduleId, scheduleIdPrefix, warehouseQueue } from '../../workflows/model/names.ts';
import type { RunSettings } from '../../workflows/model/run.ts';
import { attributesOf } from '../../workflows/search-attributes.ts';
import { ASSET_WAREHOUSE } from '../config/project.ts';

/** All that Temporal is told of the schedules of a project. */
export interface ProjectSchedules {
  readonly project: string;
  readonly schedules: readonly LoadedSchedule[];
  readonly settings: RunSettings;
}

export type ScheduleChange =
  | { readonly tag: 'new'; readonly schedule: LoadedSchedule }
  /** `before` null = it was not made by walflow. */
  | { readonly tag: 'changed'; readonly schedule: LoadedSchedule; readonly before: ScheduledInput | null }
  | { readonly tag: 'same'; readonly schedule: LoadedSchedule; readonly paused: boolean }
  | { readonly tag: 'removed'; readonly name: string };

const OVERLAP: Readonly<Record<Overlap, ScheduleOverlapPolicy>> = {
  skip: ScheduleOverlapPolicy.SKIP,
  'buffer-one': ScheduleOverlapPolicy.BUFFER_ONE,
  'allow-all': ScheduleOverlapPolicy.ALLOW_ALL,
};

/** Null = Temporal does not know it. */
export async function describeSchedule(handle: ScheduleHandle): Promise<ScheduleDescription | null> {
  return await handle.describe().catch((failure: unknown) => {
    if (failure instanceof ScheduleNotFoundError) return null;
    throw failure;
  });
}

/** How the schedules differ from the configuration, in its order; then those that are not in it. */
export async function examineSchedules(client: Client, wanted: ProjectSchedules): Promise<readonly ScheduleChange[]> {
  const changes: ScheduleChange[] = [];
  for (const schedule of wanted.schedules) {
    const found = await describeSchedule(client.schedule.getHandle(scheduleId(wanted.project, schedule.name)));
    changes.push(changeOf(schedule, inputOf(schedule, wanted.settings), found));
  }
  const names = new Set(wanted.schedules.map(({ name }) => name));
  const prefix = scheduleIdPrefix(wanted.project);
  for await (const { scheduleId } of client.schedule.list()) {
    const name = scheduleId.slice(prefix.length);
    if (scheduleId.startsWith(prefix) && !names.has(name)) changes.push({ tag: 'removed', name });
  }
  return changes;
}

/** Makes them those of the configuration. @returns what it changed */
export async function reconcileSchedules(client: Client, wanted: ProjectSchedules): Promise<readonly ScheduleChange[]> {
  const changes = await examineSchedules(client, wanted);
  for (const change of changes) {
    const name = change.tag === 'removed' ? change.name : change.schedule.name;
    const handle = client.schedule.getHandle(scheduleId(wanted.project, name));
    if (change.tag === 'removed') await remove(handle);
    // Also one that is the same: its times may have been changed in the Web UI.
    else await bring(client, handle, optionsOf(wanted, change.schedule), change.tag === 'new');
  }
  return changes;
}

function changeOf(schedule: LoadedSchedule, input: ScheduledInput, found: ScheduleDescription | null): ScheduleChange {
  if (found === null) return { tag: 'new', schedule };
  const before = (found.action.args?.[0] ?? null) as ScheduledInput | null;
  const isSame = before !== null && fieldsOf(input).every((field) => before[field] === input[field]);
  return isSame
    ? { tag: 'same', schedule, paused: found.state.paused }
    : { tag: 'changed', schedule, before: before?.cron === undefined ? null : before };
}

const fieldsOf = (input: ScheduledInput) => Object.keys(input) as (keyof ScheduledInput)[];

const inputOf = (schedule: LoadedSchedule, settings: RunSettings): ScheduledInput => ({ ...schedule, ...settings });

type Options = Omit<ScheduleUpdateOptions<ReturnType<typeof optionsOf>['action']>, 'state'>;

function optionsOf({ project, settings }: ProjectSchedules, schedule: LoadedSchedule) {
  const { name, cron, timezone, overlap, catchupWindowMs, materialize } = schedule;
  return {
    spec: { cronExpressions: [cron], timezone },
    policies: { overlap: OVERLAP[overlap], catchupWindow: catchupWindowMs },
    action: {
      type: 'startWorkflow' as const,
      workflowType: 'scheduled',
      workflowId: scheduledWorkflowId(project, name),
      taskQueue: warehouseQueue(ASSET_WAREHOUSE),
      args: [inputOf(schedule, settings)],
      staticSummary: `${name}: materialize ${materialize}`,
      ...attributesOf(settings.searchAttributes, { kind: 'schedule' }),
    },
  };
}

async function bring(client: Client, handle: ScheduleHandle, options: Options, isNew: boolean): Promise<void> {
  const isMade = isNew && (await create(client, handle.scheduleId, options));
  if (!isMade) await handle.update(({ state }) => ({ ...options, state }));
}

/** @returns false if another process was faster */
async function create(client: Client, scheduleId: string, options: Options): Promise<boolean> {
  try {
    await client.schedule.create({ scheduleId, ...options });
    return true;
  } catch (failure) {
    if (failure instanceof ScheduleAlreadyRunning) return false;
    throw failure;
  }
}

async function remove(handle: ScheduleHandle): Promise<void> {
  await handle.delete().catch((failure: unknown) => {
    if (!(failure instanceof ScheduleNotFoundError)) throw failure;
  });
}
