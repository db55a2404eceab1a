// Entry point of the command line: one signal for Ctrl-C, one place that prints failures, one exit code.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { ignored, safely } from '../../workflows/model/callback.ts';
import { exitCodeOf, failureText, toWalflowError } from './failure.ts';
import { createProgram } from './program.ts';
import { EXIT, type ExitCode, processTerminal, type Terminal } from './terminal.ts';

/** 128 + SIGINT: what shells expect when a second Ctrl-C ends a process. */
const FORCED = 130;

/** Under npm one Ctrl-C arrives twice: from the terminal, and forwarded by npm. */
const SAME_KEYSTROKE_MS = 700;

const LINGER_MS = 2_000;

/** After a failure that nobody caught nothing is certain, not even that stopping ends. */
const BROKEN_LINGER_MS = 10_000;

/** Runs the command line of this process. The exit code is left in `process.exitCode`. */
export async function main(argv: readonly string[]): Promise<void> {
  const stop = new AbortController();
  const broken = new AbortController();
  let firstMs: number | null = null;
  const onSignal = () => {
    firstMs ??= performance.now();
    if (performance.now() - firstMs > SAME_KEYSTROKE_MS) process.exit(FORCED);
    stop.abort();
  };
  process
    .on('SIGINT', onSignal)
    .on('SIGTERM', onSignal)
    .on('SIGHUP', () => stop.abort());
  const exit = () => process.exit();
  // The last resort, for rejections too: what is under way ends in order, and whoever started this process starts it again.
  process.on('uncaughtException', (failure) => {
    if (broken.signal.aborted) return;
    process.exitCode = EXIT.failed;
    broken.abort(failure);
    stop.abort();
    setTimeout(safely(exit, ignored), BROKEN_LINGER_MS).unref();
  });
  // Nothing reads the output any more (`walflow status --watch | head`, a closed terminal): stop, but in order.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort());
  loadDotEnv();
  const terminal = processTerminal(stop.signal, broken.signal);
  const code = await run(argv, terminal);
  process.exitCode = broken.signal.aborted ? brokenExit(terminal) : code;
  // Everything is closed by now; a forgotten handle must not keep a finished program alive.
  setTimeout(safely(exit, ignored), LINGER_MS).unref();
}

/** What ended the command was no result of it. */
function brokenExit({ err, env, broken }: Terminal): ExitCode {
  err(failureText(toWalflowError(broken.reason), env.WALFLOW_LOG_LEVEL));
  return EXIT.failed;
}

/** Runs one command and prints its failure, if any. Never throws. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = EXIT.done;
  const program = createProgram(terminal, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (failure) {
    // To commander help and version are "errors" with exit code 0; without a command it shows help with exit code 1.
    if (failure instanceof CommanderError && failure.exitCode === 0) return EXIT.done;
    if (failure instanceof CommanderError && failure.code === 'commander.help') return EXIT.wrongUse;
    if (failure instanceof Error && failure.name === 'AbortError' && terminal.signal.aborted) return EXIT.failed;
    const known = toWalflowError(failure);
    terminal.err(failureText(known, program.opts<{ logLevel?: string }>().logLevel ?? terminal.env.WALFLOW_LOG_LEVEL));
    return exitCodeOf(known);
  }
}

/** Variables that are already set win. */
function loadDotEnv(): void {
  const file = join(process.cwd(), '.env');
  if (existsSync(file)) process.loadEnvFile(file);
}
