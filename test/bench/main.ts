// `npm run bench`: reads what is asked for, runs it, prints the figures. Ctrl-C ends it and leaves nothing behind.

import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { runBench } from './bench.ts';
import { type Figure, lineOf } from './figure.ts';
import { type BenchOptions, HELP, readOptions } from './options.ts';
import { runSoak } from './soak-figures.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const GIB = 2 ** 30;

await main();

async function main(): Promise<void> {
  let options: BenchOptions | null;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (failure) {
    console.error(`${failure instanceof Error ? failure.message : failure}\n\n${HELP}`);
    process.exit(EXIT_USAGE);
  }
  if (options === null) {
    console.log(HELP);
    return;
  }
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
  try {
    await report(options, interrupted.signal);
  } catch (failure) {
    console.error(interrupted.signal.aborted ? 'interrupted; everything is removed' : failure);
    process.exit(EXIT_FAILED);
  }
}

async function report(options: BenchOptions, signal: AbortSignal): Promise<void> {
  const machine = {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / GIB),
    node: process.version,
  };
  const date = new Date().toISOString();
  console.log(`${machine.cores} cores (${machine.processor}), ${machine.memoryGiB} GiB, Node ${machine.node}, ${date}`);
  const figures: Figure[] = [];
  const say = (text: string) => console.log(text);
  const measured = options.soak === null ? runBench(options, say, signal) : runSoak(options.soak, say, signal);
  try {
    for await (const figure of measured) {
      figures.push(figure);
      console.log(lineOf(figure));
    }
  } finally {
    const { quick, effort, soak, jsonFile } = options;
    const everything = { date, machine, ...(soak === null ? { quick, effort } : { soak }), figures };
    if (jsonFile !== null) writeFileSync(jsonFile, `${JSON.stringify(everything, null, 2)}\n`);
  }
}
