// What `walflow deploy` prints about a workflow or a schedule: what it was, and what changes. Pure.

import { skippedTimes } from '../../activities/assets/nominal-time.ts';
import type { LoadedSchedule, ScheduledInput } from '../../workflows/model/asset/schedule.ts';
import { scheduleId } from '../../workflows/model/names.ts';
import type { RunSettings } from '../../workflows/model/run.ts';
import type { Entity, EntityState } from '../temporal/entity-workflow.ts';
import type { ScheduleChange } from '../temporal/project-schedule.ts';

/** `+` is new, `~` changes, `=` stays. */
export function entityLine({ workflowId, taskQueue }: Entity, before: EntityState, now: RunSettings): string {
  switch (before.tag) {
    case 'missing':
      return `+ ${workflowId} starts`;
    case 'elsewhere':
      return `~ ${workflowId} moves from queue ${before.taskQueue} to ${taskQueue}`;
    case 'outdated':
      return `~ ${workflowId}: ${settingsChange(before.settings, now)}`;
    case 'current':
      return `= ${workflowId} runs as configured`;
  }
}

const SETTING_TEXTS = {
  'heartbeat timeout': ({ heartbeatTimeoutSeconds }: RunSettings) => `${heartbeatTimeoutSeconds} s`,
  'search attributes': ({ searchAttributes }: RunSettings) => (searchAttributes ? 'on' : 'off'),
};

/** The settings of a run that an older version started are not known: then all are printed. */
function settingsChange(before: RunSettings | null, now: RunSettings): string {
  const changes = Object.entries(SETTING_TEXTS).flatMap(([name, textOf]) => {
    if (before === null) return [`${name} → ${textOf(now)}`];
    return textOf(before) === textOf(now) ? [] : [`${name} ${textOf(before)} → ${textOf(now)}`];
  });
  return changes.join(', ');
}

export function scheduleLine(project: string, change: ScheduleChange, now: RunSettings): string {
  switch (change.tag) {
    case 'new': {
      const { name, cron, timezone, materialize } = change.schedule;
      return `+ ${scheduleId(project, name)}: ${cron} (${timezone}) materialize ${materialize}`;
    }
    case 'changed': {
      const { schedule, before } = change;
      const changes = before === null ? 'is taken over' : scheduleChange(before, { ...schedule, ...now });
      return `~ ${scheduleId(project, schedule.name)}: ${changes}`;
    }
    case 'same': {
      const paused = change.paused ? ', paused' : '';
      return `= ${scheduleId(project, change.schedule.name)} is as configured${paused}`;
    }
    case 'removed':
      return `- ${scheduleId(project, change.name)} is removed`;
  }
}

const SCHEDULE_TEXTS: Readonly<Record<string, (it: ScheduledInput) => string>> = {
  cron: ({ cron }) => cron,
  timezone: ({ timezone }) => timezone,
  overlap: ({ overlap }) => overlap,
  'catch-up window': ({ catchupWindowMs }) => `${catchupWindowMs / 1000} s`,
  materialize: ({ materialize }) => materialize,
};

function scheduleChange(before: ScheduledInput, now: ScheduledInput & RunSettings): string {
  const changes = Object.entries(SCHEDULE_TEXTS).flatMap(([name, textOf]) =>
    textOf(before) === textOf(now) ? [] : [`${name} ${textOf(before)} → ${textOf(now)}`],
  );
  const { heartbeatTimeoutSeconds, searchAttributes } = before;
  const settings =
    heartbeatTimeoutSeconds === undefined || searchAttributes === undefined
      ? null
      : { heartbeatTimeoutSeconds, searchAttributes };
  return [...changes, settingsChange(settings, now)].filter((text) => text !== '').join(', ');
}

const YEAR_MS = 366 * 86_400_000;
const MAX_TIMES = 5;

/** A warning for times of the next year that a clock skips; null if there are none. */
export function skippedLine(project: string, schedule: LoadedSchedule, nowMs: number): string | null {
  const times = skippedTimes(schedule, { fromMs: nowMs, toMs: nowMs + YEAR_MS });
  if (times.length === 0) return null;
  const more = times.length > MAX_TIMES ? `, and ${times.length - MAX_TIMES} more` : '';
  const which = `${times.slice(0, MAX_TIMES).join(', ')}${more}`;
  return `! ${scheduleId(project, schedule.name)}: the clock of ${schedule.timezone} skips ${which}: the next tick makes up for it`;
}
