// The nominal times of a schedule, by its cron and the clock of its zone: a time that the clock skips comes right after the
// gap, one that it shows twice counts once, unless the cron runs through every hour. Temporal skips the first and fires twice for
// the second; what it fires is only a reason to look which nominal times have come.

import { Cron } from 'croner';
import type { Span } from '../../workflows/model/asset/ended-partition.ts';
import type { LoadedSchedule, TickInput } from '../../workflows/model/asset/schedule.ts';
import { offsetSpans } from '../../workflows/model/asset/time-zone.ts';

type Clock = Pick<LoadedSchedule, 'cron' | 'timezone'>;

type Tick = Pick<TickInput, keyof Clock | 'nominalMs' | 'nowMs'>;

/** What a tick has to do. */
export interface TickWork {
  /** Partitions that ended in it are computed. */
  readonly span: Span;
  /** The nominal time that is handled with it; null if someone triggered it between two. */
  readonly handledMs: number | null;
}

const MINUTE_MS = 60_000;
const FIELDS = ['minute', 'hour', 'day of the month', 'month', 'day of the week'];
/** What Temporal and this reader understand alike. */
const PART = String.raw`(\*|(\d+|[a-z]{3})(-(\d+|[a-z]{3}))?)(/\d+)?`;
const FIELD = new RegExp(`^${PART}(,${PART})*$`, 'i');

const reader = ({ cron, timezone }: Clock) =>
  new Cron(cron, { timezone, mode: '5-part', domAndDow: true, fixedTimeRule: 'no-wildcard', paused: true });

/** What is wrong with a cron, in words; null if nothing is. */
export function cronFault(cron: string, nowMs: number): string | null {
  const fields = cron.trim().split(/\s+/);
  if (fields.length !== FIELDS.length) return `has ${fields.length} fields instead of five (${FIELDS.join(', ')})`;
  const strange = fields.findIndex((field) => !FIELD.test(field));
  if (strange >= 0) return `has a ${FIELDS[strange]} that cannot be read: ${fields[strange]}`;
  try {
    return reader({ cron, timezone: 'UTC' }).nextRun(new Date(nowMs)) === null ? 'names a day that no year has' : null;
  } catch (failure) {
    return `cannot be read: ${failure instanceof Error ? failure.message.replace('CronPattern: ', '') : failure}`;
  }
}

/**
 * What is to be done at a tick; null = all that it stands for is handled.
 * @param handledMs the last nominal time that was handled; null = none was yet
 */
export function workOfTick({ nominalMs, nowMs, ...clock }: Tick, handledMs: number | null): TickWork | null {
  const cron = reader(clock);
  const isTick = nominalMs % MINUTE_MS === 0 && cron.match(new Date(nominalMs));
  const [last, before] = lastTwo(cron, isTick ? Math.max(nominalMs, nowMs) : nominalMs);
  if (!isTick) {
    // What the last tick did is done again: that is what a person wants who triggers one.
    return { span: { fromMs: Math.min(handledMs ?? before, before), toMs: nominalMs }, handledMs: null };
  }
  if (handledMs !== null && last <= handledMs) return null;
  const [first, beforeFirst] = lastTwo(cron, nominalMs);
  return { span: { fromMs: handledMs ?? Math.min(beforeFirst, first), toMs: last }, handledMs: last };
}

/** The two last nominal times up to and with an instant, the later one first; the beginning of time where there is none. */
function lastTwo(cron: Cron, atMs: number): readonly [number, number] {
  // A run in the very second of the reference is found from the next second on.
  const [last, before] = cron.previousRuns(2, new Date(atMs + 1_000));
  return [last?.getTime() ?? 0, before?.getTime() ?? 0];
}

/** Times that a cron names and the clock skips within a span, as it would show them; none of a cron for every hour. */
export function skippedTimes({ cron, timezone }: Clock, { fromMs, toMs }: Span): readonly string[] {
  if (cron.trim().split(/\s+/)[1]?.includes('*') !== false) return [];
  const onClock = reader({ cron, timezone: 'UTC' });
  const spans = offsetSpans(timezone);
  return spans.flatMap((span, i) => {
    const beforeMs = spans[i - 1]?.offsetMs ?? span.offsetMs;
    if (span.fromMs < fromMs || span.fromMs > toMs || span.offsetMs <= beforeMs) return [];
    const skipped: string[] = [];
    for (const run of onClock.enumerate(new Date(span.fromMs + beforeMs - 1_000))) {
      if (run.getTime() >= span.fromMs + span.offsetMs) break;
      skipped.push(run.toISOString().slice(0, 16).replace('T', ' '));
    }
    return skipped;
  });
}
