// P1 to P4: how fast the log becomes decoded rows, and merged rows, beside PostgreSQL's own client and the obvious build.

import type { BenchContext } from './context.ts';
import { comparison, type Figure, type Skipped } from './figure.ts';
import type { Row } from './options.ts';
import { HOW_TO_GET_IT, type StreamRun } from './pg-recvlogical.ts';
import { BenchPipeline } from './pipeline.ts';
import { BASE, runDecode, runObvious, runPipeline, runReference } from './stream-runs.ts';
import { LOAD_TABLE, type Load } from './workload.ts';

const P1 = { better: 'higher', floor: 1.5, aim: 1.7 } as const;
const P2 = { better: 'higher', floor: 1.2, aim: 1.5 } as const;
const P3 = { better: 'higher', floor: 3, aim: 4 } as const;
const P4 = { better: 'lower', floor: 0.7, aim: 0.6 } as const;
const REFERENCE = 'pg_recvlogical';
/** The default of a pipeline. */
const MAX_DELAY_MS = 250;

/** Do the rows asked for need pipelines that exist before the load? */
export function needsLoadPipelines({
  rows,
  hasPgRecvlogical,
}: Pick<BenchContext, 'rows' | 'hasPgRecvlogical'>): boolean {
  return rows.has('P3') || (hasPgRecvlogical && (rows.has('P2') || rows.has('P4')));
}

/** One pipeline per round, live over the empty table: each will find the whole load in front of it. */
export async function prepareLoadPipelines(context: BenchContext): Promise<readonly BenchPipeline[]> {
  const pipelines: BenchPipeline[] = [];
  for (let round = 1; round <= context.effort.rounds; round++) {
    const plan = { name: `round_${round}`, table: LOAD_TABLE, maxDelayMs: MAX_DELAY_MS };
    const pipeline = await BenchPipeline.create(plan, context.servers);
    await pipeline.startWarehouse();
    await pipeline.startIngest();
    await pipeline.waitLive(context.signal);
    await pipeline.stop();
    pipelines.push(pipeline);
  }
  return pipelines;
}

export async function measureDecoding(context: BenchContext, load: Load): Promise<readonly Figure[]> {
  const asked = (['P1', 'P4'] as const).filter((row) => context.rows.has(row));
  if (asked.length === 0) return [];
  if (!context.hasPgRecvlogical) return asked.map(skipped);
  const ours: StreamRun[] = [];
  const theirs: StreamRun[] = [];
  for (let round = 1; round <= context.effort.rounds; round++) {
    theirs.push(told(context, load, `round ${round}, ${REFERENCE}`, await runReference(context, load, BASE)));
    ours.push(told(context, load, `round ${round}, decoding`, await runDecode(context, load)));
  }
  const rates = { unit: 'rows/s', ours: ratesOf(load, ours), theirs: ratesOf(load, theirs) };
  return [
    ...(context.rows.has('P1')
      ? [comparison({ row: 'P1', what: 'log to decoded rows', reference: REFERENCE, ...rates, bound: P1 })]
      : []),
    ...walsenderFigures(context, load, 'decoding', ours, theirs),
  ];
}

export async function measurePipelines(
  context: BenchContext,
  load: Load,
  pipelines: readonly BenchPipeline[],
): Promise<readonly Figure[]> {
  const { rows, hasPgRecvlogical } = context;
  const whole: StreamRun[] = [];
  const received: StreamRun[] = [];
  const obvious: StreamRun[] = [];
  for (const [index, pipeline] of pipelines.entries()) {
    const round = `round ${index + 1}`;
    if (hasPgRecvlogical && (rows.has('P2') || rows.has('P4'))) {
      received.push(told(context, load, `${round}, ${REFERENCE}`, await runReference(context, load, pipeline)));
    }
    whole.push(told(context, load, `${round}, the whole path`, await runPipeline(context, load, pipeline)));
    if (rows.has('P3')) {
      obvious.push(told(context, load, `${round}, the obvious build`, await runObvious(context, load)));
    }
  }
  const ours = { what: 'log to merged rows', unit: 'rows/s', ours: ratesOf(load, whole) };
  const figures: Figure[] = [];
  if (rows.has('P2') && !hasPgRecvlogical) figures.push(skipped('P2'));
  if (received.length > 0) {
    const theirs = { reference: REFERENCE, theirs: ratesOf(load, received) };
    if (rows.has('P2')) figures.push(comparison({ row: 'P2', ...ours, ...theirs, bound: P2 }));
    figures.push(...walsenderFigures(context, load, 'the whole path', whole, received));
  }
  if (obvious.length > 0) {
    const theirs = { reference: 'the obvious build', theirs: ratesOf(load, obvious) };
    figures.push(comparison({ row: 'P3', ...ours, ...theirs, bound: P3 }));
  }
  return figures;
}

function walsenderFigures(
  context: BenchContext,
  load: Load,
  during: string,
  ours: readonly StreamRun[],
  theirs: readonly StreamRun[],
): readonly Figure[] {
  if (!context.rows.has('P4')) return [];
  const perRow = (runs: readonly StreamRun[]) =>
    runs.flatMap(({ walsenderSeconds }) => (walsenderSeconds === null ? [] : [(walsenderSeconds * 1e6) / load.rows]));
  if (perRow(ours).length < ours.length || perRow(theirs).length < theirs.length) {
    return [{ tag: 'skipped', row: 'P4', reason: 'this system does not tell what a process used (no /proc)' }];
  }
  const what = `walsender CPU per row, ${during}`;
  const sides = { reference: REFERENCE, ours: perRow(ours), theirs: perRow(theirs) };
  return [comparison({ row: 'P4', what, unit: 'µs', ...sides, bound: P4 })];
}

function told(context: BenchContext, load: Load, what: string, run: StreamRun): StreamRun {
  const rate = Math.round(load.rows / run.seconds).toLocaleString('en');
  const cpu = run.walsenderSeconds === null ? '' : `, walsender ${run.walsenderSeconds.toFixed(2)} s CPU`;
  context.say(`  ${what}: ${run.seconds.toFixed(2)} s, ${rate} rows/s${cpu}`);
  return run;
}

const ratesOf = (load: Load, runs: readonly StreamRun[]) => runs.map(({ seconds }) => load.rows / seconds);
const skipped = (row: Row): Skipped => ({ tag: 'skipped', row, reason: HOW_TO_GET_IT });
