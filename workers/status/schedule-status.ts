// Schedules for `/api/schedules`: what the configuration says of them, what Temporal does with them, and up to which nominal
// time the warehouse has them handled.

import { type Client, type ScheduleDescription, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import type { LoadedSchedule } from '../../workflows/model/asset/schedule.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { scheduleId } from '../../workflows/model/names.ts';
import { nearestName } from '../config/nearest-name.ts';
import type { ResolvedProject } from '../config/project.ts';
import type { ScheduleOperation, ScheduleStatus } from '../http/backend.ts';
import { describeSchedule } from '../temporal/project-schedule.ts';

interface ScheduleParts {
  readonly project: Pick<ResolvedProject, 'name' | 'schedules'>;
  readonly client: Client;
  /** Undefined in a project without assets. */
  readonly warehouse: Warehouse | undefined;
}

export async function scheduleStatuses(parts: ScheduleParts): Promise<readonly ScheduleStatus[]> {
  const handled = (await parts.warehouse?.handledTimes()) ?? new Map<string, string>();
  return await Promise.all(
    parts.project.schedules.map(async (schedule) =>
      statusOf(parts.project.name, schedule, await describeSchedule(handleOf(parts, schedule.name)), handled),
    ),
  );
}

/** @throws WalflowError SCHEDULE_UNKNOWN, SCHEDULE_NOT_DEPLOYED */
export async function operateSchedule(
  parts: ScheduleParts,
  name: string,
  operation: ScheduleOperation,
): Promise<ScheduleStatus> {
  const names = parts.project.schedules.map((one) => one.name);
  if (!names.includes(name)) {
    const meant = nearestName(name, names);
    const hint = meant === null ? {} : { hint: `did you mean ${meant}?` };
    throw new WalflowError('SCHEDULE_UNKNOWN', `the project has no schedule "${name}"`, hint);
  }
  const handle = handleOf(parts, name);
  if ((await describeSchedule(handle)) === null) {
    throw new WalflowError('SCHEDULE_NOT_DEPLOYED', `Temporal has no schedule ${handle.scheduleId}`);
  }
  switch (operation) {
    case 'pause':
      await handle.pause(NOTE);
      break;
    case 'resume':
      await handle.unpause(NOTE);
      break;
    case 'trigger':
      // Whoever triggers it wants it now, whatever still runs.
      await handle.trigger(ScheduleOverlapPolicy.ALLOW_ALL);
      break;
  }
  const status = (await scheduleStatuses(parts)).find((one) => one.name === name);
  if (status === undefined) throw new WalflowError('SCHEDULE_UNKNOWN', `the project has no schedule "${name}"`);
  return status;
}

const NOTE = 'by walflow';

const handleOf = ({ client, project }: ScheduleParts, name: string) =>
  client.schedule.getHandle(scheduleId(project.name, name));

function statusOf(
  project: string,
  { name, cron, timezone, materialize }: LoadedSchedule,
  found: ScheduleDescription | null,
  handled: ReadonlyMap<string, string>,
): ScheduleStatus {
  const { paused = false, note = '' } = found?.state ?? {};
  return {
    ...{ name, cron, timezone, materialize },
    state: found === null ? 'missing' : paused ? 'paused' : 'active',
    ...(paused && note !== '' ? { note } : {}),
    nextAt: found?.info.nextActionTimes[0]?.toISOString() ?? null,
    lastAt: found?.info.recentActions.at(-1)?.scheduledAt.toISOString() ?? null,
    handledAt: handled.get(name) ?? null,
    scheduleId: scheduleId(project, name),
  };
}
