// What a row of the benchmark says: our figures and the reference's, round by round, and what was promised.

import type { Row } from './options.ts';
import { median, type Ratio, ratioOf } from './statistics.ts';

/** A ratio against a reference that ran beside it. */
export interface Comparison {
  readonly tag: 'comparison';
  readonly row: Row;
  readonly what: string;
  readonly unit: string;
  readonly reference: string;
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  readonly ratio: Ratio;
  readonly bound: Bound;
}

/** A figure of ours alone. */
export interface Absolute {
  readonly tag: 'absolute';
  readonly row: Row;
  readonly what: string;
  readonly unit: string;
  readonly value: number;
  /** How it was come by, and how it spread. */
  readonly note: string;
  readonly bound: Bound;
}

export interface Skipped {
  readonly tag: 'skipped';
  readonly row: Row;
  readonly reason: string;
}

export type Figure = Comparison | Absolute | Skipped;

/** `floor`: below it something is broken; `aim`: what the design promises. */
export interface Bound {
  readonly better: 'higher' | 'lower';
  readonly floor: number;
  readonly aim: number;
}

export type Verdict = 'aim met' | 'floor met' | 'BELOW FLOOR';

export function comparison(figure: Omit<Comparison, 'tag' | 'ratio'>): Comparison {
  return { tag: 'comparison', ...figure, ratio: ratioOf(figure.ours, figure.theirs) };
}

export function verdictOf({ better, floor, aim }: Bound, value: number): Verdict {
  const reaches = (bound: number) => (better === 'higher' ? value >= bound : value <= bound);
  if (reaches(aim)) return 'aim met';
  return reaches(floor) ? 'floor met' : 'BELOW FLOOR';
}

/** One line for people. */
export function lineOf(figure: Figure): string {
  const row = figure.row.padEnd(4);
  switch (figure.tag) {
    case 'skipped':
      return `${row} skipped: ${figure.reason}`;
    case 'absolute': {
      const { what, unit, value, note, bound } = figure;
      return `${row} ${what}: ${amount(value)} ${unit} (${note}); ${boundText(bound, value, ` ${unit}`)}`;
    }
    case 'comparison': {
      const { what, unit, reference, ours, theirs, ratio, bound } = figure;
      const sides = `${amount(median(ours))} ${unit}, ${reference} ${amount(median(theirs))}`;
      const spread = `${ratio.median.toFixed(2)}× (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}, ${ours.length} rounds)`;
      return `${row} ${what}: ${spread}; ${sides}; ${boundText(bound, ratio.median, '×')}`;
    }
  }
}

function boundText(bound: Bound, value: number, unit: string): string {
  const sign = bound.better === 'higher' ? '≥' : '≤';
  return `${verdictOf(bound, value)} (floor ${sign} ${bound.floor}${unit}, aim ${sign} ${bound.aim}${unit})`;
}

function amount(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(value >= 10 ? 1 : 2);
}
