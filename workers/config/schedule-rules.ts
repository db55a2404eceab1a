// Rules for schedules: their times and zones exist, and they select something that can be materialized. Pure.

import { cronFault } from '../../activities/assets/nominal-time.ts';
import { hasEnds } from '../../workflows/model/asset/ended-partition.ts';
import type { AssetGraph } from '../../workflows/model/asset/graph.ts';
import { cronOfCalendar, type LoadedSchedule } from '../../workflows/model/asset/schedule.ts';
import { scheduledAssets } from '../../workflows/model/asset/scheduled-step.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { parseDuration } from './duration.ts';
import type { CheckedConfig } from './field.ts';
import { nearestName } from './nearest-name.ts';
import { zoneProblems } from './partition-rules.ts';
import type { Problem } from './problem.ts';

type CheckedSchedule = CheckedConfig['schedules'][number];

export function scheduleProblems(
  schedules: readonly CheckedSchedule[],
  graph: AssetGraph,
  nowMs: number,
): readonly Problem[] {
  return schedules.flatMap((schedule, i) => {
    const path = `schedules[${i}]`;
    return [
      ...nameProblems(schedules, i),
      ...timeProblems(schedule, path, nowMs),
      ...zoneProblems(schedule.timezone, `${path}.timezone`),
      ...selectionProblems(schedule, graph, `${path}.materialize`),
    ];
  });
}

function nameProblems(schedules: readonly CheckedSchedule[], i: number): readonly Problem[] {
  const name = schedules[i]?.name;
  if (schedules.findIndex((one) => one.name === name) === i) return [];
  const what = `is ${name}, the name of another schedule`;
  return [{ path: `schedules[${i}].name`, what, fix: 'give each schedule a name of its own' }];
}

function timeProblems(schedule: CheckedSchedule, path: string, nowMs: number): readonly Problem[] {
  const { cron, calendar } = schedule;
  if ((cron === undefined) === (calendar === undefined)) {
    const what = cron === undefined ? 'does not say when' : 'says twice when';
    return [{ path, what, fix: "write cron: '0 7 * * *' or calendar: { hour: 7 }" }];
  }
  const field = cron === undefined ? 'calendar' : 'cron';
  const fault = cronFault(cronOf(schedule), nowMs);
  if (fault !== null) {
    const fix = "write five fields, like '0 7 * * *': minute, hour, day of the month, month, day of the week";
    return [{ path: `${path}.${field}`, what: fault, fix: field === 'cron' ? fix : 'name a day that exists' }];
  }
  // Other readers of cron take either day; Temporal takes days that are both.
  const [, , dayOfMonth, , dayOfWeek] = cron?.trim().split(/\s+/) ?? [];
  if (cron === undefined || dayOfMonth === '*' || dayOfWeek === '*') return [];
  const fix = 'write two schedules for either of them, or calendar: { dayOfMonth, dayOfWeek } for days that are both';
  return [{ path: `${path}.cron`, what: 'names a day of the month and a day of the week', fix }];
}

function selectionProblems({ materialize }: CheckedSchedule, graph: AssetGraph, path: string): readonly Problem[] {
  try {
    const assets = scheduledAssets(graph, materialize);
    const endless = assets.find(({ definition: { partitions } }) => partitions !== undefined && !hasEnds(partitions));
    if (endless !== undefined) {
      const what = `selects ${endless.key}, whose partitions are combinations of times, so that none has an end`;
      return [{ path, what, fix: `leave it out: (${materialize}) and not ${endless.key}` }];
    }
    if (assets.length > 0) return [];
    return [{ path, what: `is ${materialize}, which selects no derived asset`, fix: 'see `walflow assets`' }];
  } catch (failure) {
    if (!(failure instanceof WalflowError)) throw failure;
    return [{ path, what: `cannot be used: ${failure.message}`, fix: meantBy(materialize, graph) ?? failure.hint }];
  }
}

/** The asset that was most likely meant, where a selection is one name. */
function meantBy(selection: string, graph: AssetGraph): string | null {
  const name = /^[\w/.-]+$/.test(selection)
    ? nearestName(
        selection,
        graph.derived.map(({ key }) => key),
      )
    : null;
  return name === null ? null : `did you mean ${name}?`;
}

const cronOf = ({ cron, calendar }: CheckedSchedule) => cron?.trim() ?? cronOfCalendar(calendar ?? {});

export function loadedSchedule(schedule: CheckedSchedule): LoadedSchedule {
  const { name, timezone, overlap, materialize } = schedule;
  const catchupWindowMs = parseDuration(schedule.catchupWindow) ?? 0;
  return { name, cron: cronOf(schedule), timezone, overlap, catchupWindowMs, materialize };
}
