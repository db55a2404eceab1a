// A schedule: selected assets are materialized by the clock. As a user defines it, and after loading.

import type { RunSettings } from '../run.ts';

/** Times by their parts, all of which must fit. Without a part: minute 0, hour 0, every day and month. */
export interface CalendarTimes {
  readonly minute?: number | readonly number[];
  readonly hour?: number | readonly number[];
  readonly dayOfMonth?: number | readonly number[];
  /** 1 = January. */
  readonly month?: number | readonly number[];
  readonly dayOfWeek?: DayOfWeek | readonly DayOfWeek[];
}

export const DAYS_OF_WEEK = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type DayOfWeek = (typeof DAYS_OF_WEEK)[number];

/** What a tick does while the run of an earlier one has not ended. */
export const OVERLAPS = ['skip', 'buffer-one', 'allow-all'] as const;
export type Overlap = (typeof OVERLAPS)[number];

export interface ScheduleDefinition {
  readonly name: string;
  /** Five fields, like `0 7 * * MON-FRI`. Either this or `calendar`. */
  readonly cron?: string;
  readonly calendar?: CalendarTimes;
  /** Whose clock it goes by. Default UTC. */
  readonly timezone?: string;
  /** Default 'skip': the next tick takes over what this one would have done. */
  readonly overlap?: Overlap;
  /** How late a tick may be after an outage of Temporal. Default '1 day'. */
  readonly catchupWindow?: string;
  /** A selection of assets: of those with partitions by time the ones that ended, the others as a whole. */
  readonly materialize: string;
}

/** After loading: one way to say the times, durations as numbers. */
export interface LoadedSchedule {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  readonly overlap: Overlap;
  readonly catchupWindowMs: number;
  readonly materialize: string;
}

/** What Temporal starts at each tick is given: the schedule as it was when the tick was due, however late it is handled. */
export interface ScheduledInput extends LoadedSchedule, Partial<RunSettings> {}

export interface ScheduledResult {
  /** Id of the run; null = there was nothing to do. */
  readonly run: string | null;
}

/** What is planned at a tick. */
export interface TickInput extends Pick<LoadedSchedule, 'name' | 'cron' | 'timezone' | 'materialize'> {
  /** Of the run, if there is something to do. */
  readonly id: string;
  /** When Temporal would have started it, had nothing been late. */
  readonly nominalMs: number;
  /** Temporal's clock now: a late tick takes the later ones along. */
  readonly nowMs: number;
}

/** A calendar as cron. */
export function cronOfCalendar({
  minute = 0,
  hour = 0,
  dayOfMonth,
  month,
  dayOfWeek,
}: { readonly [Part in keyof CalendarTimes]: CalendarTimes[Part] | undefined }): string {
  const days = [dayOfWeek ?? []].flat().map((day) => day.slice(0, 3).toUpperCase());
  const fields = [minute, hour, dayOfMonth ?? '*', month ?? '*', days.length === 0 ? '*' : days];
  return fields.map((field) => [field].flat().join(',')).join(' ');
}
