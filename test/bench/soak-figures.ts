// What a soak says: P16, processor time, and P17, memory and its growth, both over the second half of the series, when
// first snapshots are done and caches are filled.

import type { Bound, Figure } from './figure.ts';
import { SOAKED, type Soaked, type SoakOptions, type SoakSample, soak } from './soak.ts';
import { median } from './statistics.ts';

const MB = 1_000_000;
/** Above this rate the promises for a busy pipeline hold. */
const BUSY_ROWS_PER_SECOND = 1_000;
/** PostgreSQL belongs to the source, `dev` to the traffic. */
const STACK: readonly Soaked[] = ['warehouse worker', 'ingest worker', 'seaweedfs', 'temporal'];
const WORKERS = { 'warehouse worker': { quiet: 400, busy: 530 }, 'ingest worker': { quiet: 250, busy: 250 } } as const;

const WIDTH = 'warehouse worker'.length;
const HEAD = ['minute', ...SOAKED.map((name) => name.padStart(WIDTH))].join('  ');

/** Says the series while it grows, then yields the figures. */
export async function* runSoak(
  options: SoakOptions,
  say: (text: string) => void,
  signal: AbortSignal,
): AsyncGenerator<Figure> {
  const samples: SoakSample[] = [];
  say(`starting the demo at ${options.rowsPerSecond} rows/s; memory, and processor cores since the sample before`);
  say(HEAD);
  for await (const sample of soak(options, signal)) {
    samples.push(sample);
    say(lineOf(sample));
  }
  yield* soakFigures(samples, options);
}

export interface Growth {
  readonly bytes: number;
  /** Of what was held when the second half began. */
  readonly share: number;
}

/** What a process gained in the second half: of the straight line that fits best, so that single samples do not decide. */
export function growthOf(samples: readonly SoakSample[], name: Soaked): Growth {
  const half = secondHalf(samples);
  const [first, last] = [half[0]?.minute ?? 0, half.at(-1)?.minute ?? 0];
  const { at, slope } = line(half.map(({ minute, memoryBytes }) => [minute, memoryBytes[name]]));
  const bytes = slope * (last - first);
  return { bytes, share: bytes / at(first) };
}

function soakFigures(samples: readonly SoakSample[], options: SoakOptions): readonly Figure[] {
  const half = secondHalf(samples);
  const cores = (names: readonly Soaked[]) =>
    median(half.map((sample) => names.reduce((total, name) => total + sample.cores[name], 0)));
  const note = `second half of ${options.minutes} minutes at ${options.rowsPerSecond} rows/s`;
  const each = SOAKED.map((name) => `${name} ${cores([name]).toFixed(2)}`).join(', ');
  const processor: Figure = {
    ...{ tag: 'absolute', row: 'P16', what: 'processor time of workers, S3 server and Temporal', unit: 'cores' },
    ...{ value: cores(STACK), note: `${note}; ${each}`, bound: lower(0.45, 0.3) },
  };
  const memory = Object.entries(WORKERS).flatMap(([worker, limits]): Figure[] => {
    const name = worker as keyof typeof WORKERS;
    const held = median(half.map(({ memoryBytes }) => memoryBytes[name]));
    const { bytes, share } = growthOf(samples, name);
    const most = limits[options.rowsPerSecond > BUSY_ROWS_PER_SECOND ? 'busy' : 'quiet'];
    const figure = { tag: 'absolute', row: 'P17' } as const;
    return [
      { ...figure, what: `memory of the ${name}`, unit: 'MB', value: held / MB, note, bound: lower(most, most) },
      {
        ...{ ...figure, what: `growth of the ${name}`, unit: '%', value: share * 100, bound: lower(10, 3) },
        note: `${(bytes / MB).toFixed(0)} MB in the ${note}`,
      },
    ];
  });
  return [processor, ...memory];
}

function lineOf({ minute, memoryBytes, cores }: SoakSample): string {
  const cells = SOAKED.map((name) => `${(memoryBytes[name] / MB).toFixed(0)} MB ${cores[name].toFixed(2)}`);
  return [minute.toFixed(1).padStart(6), ...cells.map((cell) => cell.padStart(WIDTH))].join('  ');
}

const lower = (floor: number, aim: number): Bound => ({ better: 'lower', floor, aim });

function secondHalf(samples: readonly SoakSample[]): readonly SoakSample[] {
  return samples.slice(Math.floor(samples.length / 2));
}

/** Least squares. @throws RangeError for fewer than two points */
function line(points: readonly (readonly [x: number, y: number])[]) {
  if (points.length < 2) throw new RangeError('a line through fewer than two points');
  const mean = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const slope = mean(points.map(([x, y]) => (x - meanX) * (y - meanY))) / mean(points.map(([x]) => (x - meanX) ** 2));
  return { slope, at: (x: number) => meanY + slope * (x - meanX) };
}
