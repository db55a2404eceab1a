// `walflow status`: pipelines, tables and assets of a running walflow, once or until Ctrl-C.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { type Cli, examples } from './cli.ts';
import { statusText } from './status-text.ts';
import { EXIT, type ExitCode } from './terminal.ts';

interface StatusOptions {
  readonly json?: boolean;
  readonly watch?: boolean;
}

const WATCH_EVERY_MS = 1_000;

export function addStatus(program: Command, cli: Cli): void {
  program
    .command('status')
    .description('pipelines with slot, lag and tables; assets with freshness')
    .option('--json', 'print {pipelines, assets} as JSON')
    .option('--watch', 'repeat every second until Ctrl-C')
    .addHelpText('after', examples('walflow status', 'walflow status --json', 'walflow status --watch'))
    .action(cli.action((options: StatusOptions) => (options.watch ? watch(cli, options) : once(cli, options))));
}

async function once(cli: Cli, options: StatusOptions): Promise<ExitCode> {
  cli.terminal.out(await read(cli, options));
  return EXIT.done;
}

/** On a terminal the text is replaced in place; in a pipe each reading follows the last. */
async function watch(cli: Cli, options: StatusOptions): Promise<ExitCode> {
  const { terminal } = cli;
  const screen = options.json ? null : terminal.openScreen();
  try {
    while (!terminal.signal.aborted) {
      const text = await read(cli, options);
      if (screen === null) terminal.out(text);
      else screen.draw(text);
      await sleep(WATCH_EVERY_MS, undefined, { signal: terminal.signal });
    }
  } catch (failure) {
    if (!terminal.signal.aborted) throw failure;
  } finally {
    screen?.done();
  }
  return EXIT.done;
}

async function read(cli: Cli, options: StatusOptions): Promise<string> {
  const api = await cli.api();
  const [pipelines, assets] = await Promise.all([api.pipelines(), api.assets()]);
  return options.json ? JSON.stringify({ pipelines, assets }) : statusText(pipelines, assets);
}
