// How long files and functions are. Medians and p90 guide the whole, the maxima hold for each one.

import type { SourceModule } from './source-module.ts';

interface Limits {
  readonly median: number;
  readonly p90: number;
  readonly max: number;
}

const FILE_LINES: Limits = { median: 100, p90: 250, max: 400 };
const FUNCTION_LINES: Limits = { median: 10, p90: 35, max: 70 };

interface Measured {
  readonly what: string;
  readonly lines: number;
}

export function fileSizeViolations(modules: readonly SourceModule[]): readonly string[] {
  const files = modules.map(({ path, lines }) => ({ what: path, lines }));
  return sizeViolations('files', files, FILE_LINES);
}

/** Median and p90 are taken over named functions: inline callbacks of one line would make them meaningless. */
export function functionSizeViolations(modules: readonly SourceModule[]): readonly string[] {
  const all = modules.flatMap(({ path, functions }) =>
    functions.map(({ name, line, lines }) => ({
      named: name !== undefined,
      what: `${path}:${line} ${name ?? '(inline)'}`,
      lines,
    })),
  );
  const named = all.filter((one) => one.named);
  const inline = all.filter((one) => !one.named);
  return [...sizeViolations('functions', named, FUNCTION_LINES), ...tooLong(inline, FUNCTION_LINES.max)];
}

function sizeViolations(kind: string, measured: readonly Measured[], limits: Limits): readonly string[] {
  const sorted = measured.map(({ lines }) => lines).sort((a, b) => a - b);
  const violations = [...tooLong(measured, limits.max)];
  for (const [name, share] of [
    ['median', 0.5],
    ['p90', 0.9],
  ] as const) {
    const value = quantile(sorted, share);
    if (value > limits[name]) violations.push(`${kind}: ${name} is ${value} lines, at most ${limits[name]}`);
  }
  return violations;
}

function tooLong(measured: readonly Measured[], max: number): readonly string[] {
  return measured
    .filter(({ lines }) => lines > max)
    .map(({ what, lines }) => `${what}: ${lines} lines, at most ${max}`);
}

/** The smallest value that at least `share` of the sorted values do not exceed; 0 when there are none. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
