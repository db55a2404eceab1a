// Offsets of time zones: all that partitions need to know of them. They are read from the runtime's own tables (Intl), once a
// zone; everything else is arithmetic with them. Milliseconds: an offset is a whole number of seconds.

/** From `fromMs` on, until the next span, a clock in the zone shows UTC plus `offsetMs`. */
export interface OffsetSpan {
  readonly fromMs: number;
  readonly offsetMs: number;
}

const SECOND_MS = 1_000;
const WEEK_MS = 604_800_000;
/** Before, a place had its local mean time. */
const FIRST_CHANGE_MS = Date.UTC(1840, 0);
/** Laws do not reach that far: from then on the last offset stays. */
const LAST_CHANGE_MS = Date.UTC(2100, 0);
/** `GMT`, `GMT+02:00`, `GMT-00:53:28`. */
const OFFSET_TEXT = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/;

const known = new Map<string, readonly OffsetSpan[]>();

/** Does the runtime know a zone of this name? */
export function isTimeZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** The zone's offsets in the order of time; the first one has no beginning, the last one no end. */
export function offsetSpans(zone: string): readonly OffsetSpan[] {
  const spans = known.get(zone) ?? (zone === 'UTC' ? [{ fromMs: -Infinity, offsetMs: 0 }] : readSpans(zone));
  known.set(zone, spans);
  return spans;
}

/**
 * The first instant at which a clock shows this time or a later one: of a time that occurs twice the first, of a time that
 * is skipped the moment of the jump.
 */
export function firstInstantAt(spans: readonly OffsetSpan[], clockMs: number): number {
  const i = spans.findIndex((span, at) => clockMs < (spans[at + 1]?.fromMs ?? Infinity) + span.offsetMs);
  const { fromMs, offsetMs } = spans[i] ?? { fromMs: -Infinity, offsetMs: 0 };
  return Math.max(clockMs - offsetMs, fromMs);
}

/** The first time on a clock from which on `firstInstantAt` is not before an instant. */
export function firstClockFrom(spans: readonly OffsetSpan[], instantMs: number): number {
  const i = spans.findLastIndex(({ fromMs }) => fromMs <= instantMs);
  const offsetMs = spans[i]?.offsetMs ?? 0;
  const changedMs = (spans[i]?.fromMs ?? 0) + (spans[i - 1]?.offsetMs ?? -Infinity);
  return spans[i]?.fromMs === instantMs ? changedMs : Math.max(instantMs + offsetMs, changedMs);
}

function readSpans(zone: string): readonly OffsetSpan[] {
  const format = formatOf(zone);
  const spans: OffsetSpan[] = [{ fromMs: -Infinity, offsetMs: offsetAt(format, FIRST_CHANGE_MS) }];
  for (let ms = FIRST_CHANGE_MS; ms < LAST_CHANGE_MS; ) {
    const offsetMs = spans.at(-1)?.offsetMs ?? 0;
    const changed = offsetAt(format, ms + WEEK_MS) === offsetMs ? null : changeBetween(format, ms, ms + WEEK_MS);
    if (changed !== null) spans.push({ fromMs: changed, offsetMs: offsetAt(format, changed) });
    ms = changed ?? ms + WEEK_MS;
  }
  return spans;
}

/** The first second with another offset than at `fromMs`, if there is one change. */
function changeBetween(format: Intl.DateTimeFormat, fromMs: number, toMs: number): number {
  const before = offsetAt(format, fromMs);
  let [low, high] = [fromMs / SECOND_MS, toMs / SECOND_MS];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(format, middle * SECOND_MS) === before) low = middle;
    else high = middle;
  }
  return high * SECOND_MS;
}

const formatOf = (timeZone: string) => new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });

function offsetAt(format: Intl.DateTimeFormat, ms: number): number {
  const text = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours = 0, minutes = 0, seconds = 0] = OFFSET_TEXT.exec(text) ?? [];
  const size = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * SECOND_MS;
  return sign === '-' ? -size : size;
}
