// Figures of several rounds → one.

/** The smallest value that at least `share` of the values do not exceed. @throws RangeError for no values */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  if (value === undefined) throw new RangeError('a quantile of no values');
  return value;
}

/** The middle one; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (quantile(sorted, 0.5) + (sorted[Math.floor(half)] ?? Number.NaN)) / 2;
}

/** What a ratio of interleaved rounds is worth. */
export interface Ratio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Round by round: ours over the reference that ran beside it. */
export function ratioOf(ours: readonly number[], reference: readonly number[]): Ratio {
  const ratios = ours.map((value, round) => value / (reference[round] ?? Number.NaN));
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}
