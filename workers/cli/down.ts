// `walflow down`: end what runs in this folder's state, including what a `kill -9` of `walflow dev` left behind.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Cli, examples } from './cli.ts';
import { EXIT, type ExitCode } from './terminal.ts';

export function addDown(program: Command, cli: Cli): void {
  program
    .command('down')
    .description('end a running `walflow dev` of this folder, and what a killed one left behind; state is kept')
    .addHelpText('after', examples('walflow down', 'WALFLOW_HOME=/tmp/other walflow down'))
    .action(cli.action(() => down(cli)));
}

async function down(cli: Cli): Promise<ExitCode> {
  const { cleanUp } = await import('../embedded/clean-up.ts');
  const home = resolve(cli.terminal.cwd, cli.settings().home);
  const ended = await cleanUp(home);
  for (const { name, pid, by } of ended) cli.terminal.out(`${name} (process ${pid}) was ended by ${by}`);
  if (ended.length === 0) cli.terminal.out(`nothing runs in ${home}`);
  return EXIT.done;
}
