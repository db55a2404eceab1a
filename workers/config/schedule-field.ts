// The fields of a schedule.

import { z } from 'zod';
import {
  type CalendarTimes,
  DAYS_OF_WEEK,
  OVERLAPS,
  type ScheduleDefinition,
} from '../../workflows/model/asset/schedule.ts';
import { parseDuration } from './duration.ts';
import { matching, NAME, note, type Shape } from './field-note.ts';

const oneOrMore = <One extends z.ZodType>(one: One, form: string) =>
  z.union([one, z.array(one).min(1)], `must be ${form}, or a list`);
const whole = (min: number, max: number) => oneOrMore(z.int().min(min).max(max), `a number from ${min} to ${max}`);

const calendar = {
  minute: whole(0, 59)
    .optional()
    .meta(note({ type: 'number or numbers', help: 'minutes of the hour', otherwise: '0' })),
  hour: whole(0, 23)
    .optional()
    .meta(note({ type: 'number or numbers', help: 'hours of the day', otherwise: '0' })),
  dayOfMonth: whole(1, 31)
    .optional()
    .meta(note({ type: 'number or numbers', help: 'days of the month', otherwise: 'each' })),
  month: whole(1, 12)
    .optional()
    .meta(note({ type: 'number or numbers', help: 'months; 1 = January', otherwise: 'each' })),
  dayOfWeek: oneOrMore(z.enum(DAYS_OF_WEEK), `a day like 'monday'`)
    .optional()
    .meta(
      note({
        type: 'text or texts',
        help: "days of the week, like 'monday'; a day must fit `dayOfMonth` too",
        otherwise: 'each',
      }),
    ),
} satisfies Shape<CalendarTimes>;

/** Temporal's least. */
const LEAST_WINDOW_MS = 10_000;

export const schedule = {
  name: matching(NAME, 'a plain name of up to 63 characters').meta(
    note({ help: 'its name; the schedule in Temporal is `walflow/<project>/<name>`' }),
  ),
  cron: z
    .string()
    .optional()
    .meta(
      note({
        help: 'when: minute, hour, day of the month, month, day of the week, like `0 7 * * MON-FRI`',
        otherwise: '`calendar` says it',
      }),
    ),
  calendar: z
    .strictObject(calendar)
    .optional()
    .meta(note({ help: 'when, by the parts of a time, which must all fit', otherwise: '`cron` says it' })),
  timezone: z
    .string()
    .default('UTC')
    .meta(
      note({
        help: 'the zone whose clock it goes by',
        why: 'every day has 24 hours there; other zones skip and repeat times',
      }),
    ),
  overlap: z
    .enum(OVERLAPS)
    .default('skip')
    .meta(
      note({
        help: 'at a tick while the run of an earlier one has not ended: do nothing, start after it, or start beside it',
        why: 'the next tick takes over what a skipped one would have done',
      }),
    ),
  catchupWindow: z
    .string()
    .refine(
      (text) => (parseDuration(text) ?? 0) >= LEAST_WINDOW_MS,
      "must be a duration of at least 10 seconds, like '1 day'",
    )
    .default('1 day')
    .meta(
      note({
        help: 'after an outage of Temporal, ticks that are not later than this are made up for at once; else at the next tick',
        type: 'duration',
        why: 'nothing is lost either way',
      }),
    ),
  materialize: z
    .string()
    .min(1)
    .meta(
      note({
        help: 'which assets, a [selection](commands.md#selections): of those with partitions by time the ones that ended since the last tick, the others as a whole',
      }),
    ),
} satisfies Shape<ScheduleDefinition>;
