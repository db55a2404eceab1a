// How a moment reads on the clock of partitions by time, as a list of pieces: an engine places values by these pieces, so it
// needs no time zones of its own, and cannot disagree with the model.

import { gridFloor, offsetText, type TimePartitions, zoneOf } from './time-partition.ts';
import { type OffsetSpan, offsetSpans } from './time-zone.ts';

/** From `fromMs` on, until the next piece, the clock shows the moment plus `addMs`, but never less than `leastMs`. */
export interface ClockPiece {
  readonly fromMs: number;
  readonly addMs: number;
  readonly leastMs: number | null;
  /** The offset, where an hour occurs twice; else empty. */
  readonly suffix: string;
}

const HOUR_MS = 3_600_000;

/** For moments that are instants. */
export function clockOfInstants(partitions: TimePartitions): readonly ClockPiece[] {
  const spans = offsetSpans(zoneOf(partitions));
  return partitions.kind === 'hourly' ? hourPieces(spans) : dayPieces(partitions, spans);
}

/** For moments that are what a clock of another zone shows. */
export function clockOfLocal(partitions: TimePartitions, zone: string): readonly ClockPiece[] {
  return joined(localPieces(offsetSpans(zone)), clockOfInstants(partitions));
}

/** A clock that is set back over midnight begins the earlier day once more: its instants still belong to the later one. */
function dayPieces({ kind }: TimePartitions, spans: readonly OffsetSpan[]): readonly ClockPiece[] {
  return spans.map(({ fromMs, offsetMs }, i) => {
    const shownMs = fromMs - 1 + (spans[i - 1]?.offsetMs ?? 0);
    const isBehind = i > 0 && gridFloor(kind, fromMs + offsetMs) < gridFloor(kind, shownMs);
    return { fromMs, addMs: offsetMs, leastMs: isBehind ? gridFloor(kind, shownMs) : null, suffix: '' };
  });
}

/** Hours that a change of the clock divides in two, or repeats, carry their offset. */
function hourPieces(spans: readonly OffsetSpan[]): readonly ClockPiece[] {
  return spans.flatMap((span, i) => {
    const { fromMs, offsetMs } = span;
    const piece = (from: number, suffix: string): ClockPiece => ({
      fromMs: from,
      addMs: offsetMs,
      leastMs: null,
      suffix,
    });
    const [before, after] = [sharedHours(spans[i - 1], span), sharedHours(span, spans[i + 1])];
    return [
      piece(fromMs, before === null ? '' : offsetText(offsetMs)),
      ...(before === null ? [] : [piece(before.toMs - offsetMs, '')]),
      ...(after === null ? [] : [piece(after.fromMs - offsetMs, offsetText(offsetMs))]),
    ];
  });
}

/** The hours, [from, to) on the clock, that it shows on both sides of a change. */
function sharedHours(one: OffsetSpan | undefined, next: OffsetSpan | undefined) {
  if (one === undefined || next === undefined) return null;
  const fromMs = gridFloor('hourly', next.fromMs + next.offsetMs);
  const toMs = gridFloor('hourly', next.fromMs + one.offsetMs - 1) + HOUR_MS;
  return fromMs < toMs ? { fromMs, toMs } : null;
}

/** From what a clock shows to the instant: of a time that occurs twice the first, of one that is skipped the jump. */
function localPieces(spans: readonly OffsetSpan[]): readonly ClockPiece[] {
  return spans.map(({ fromMs, offsetMs }, i) => {
    const earlierMs = spans[i - 1]?.offsetMs ?? offsetMs;
    return { fromMs: fromMs + earlierMs, addMs: -offsetMs, leastMs: earlierMs < offsetMs ? fromMs : null, suffix: '' };
  });
}

/** Reads by `first`, and what that shows by `second`. */
function joined(first: readonly ClockPiece[], second: readonly ClockPiece[]): readonly ClockPiece[] {
  return first.flatMap(({ fromMs, addMs, leastMs }, i) => {
    const begin = Math.max(fromMs + addMs, leastMs ?? -Infinity);
    const end = (first[i + 1]?.fromMs ?? Infinity) + addMs;
    return second.flatMap((piece, k): ClockPiece[] => {
      if (piece.fromMs >= end || (second[k + 1]?.fromMs ?? Infinity) <= begin) return [];
      const least = Math.max(leastMs === null ? -Infinity : leastMs + piece.addMs, piece.leastMs ?? -Infinity);
      return [
        {
          fromMs: piece.fromMs <= begin ? fromMs : piece.fromMs - addMs,
          addMs: addMs + piece.addMs,
          leastMs: least === -Infinity ? null : least,
          suffix: piece.suffix,
        },
      ];
    });
  });
}
