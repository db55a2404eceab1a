// `walflow verify`: does the warehouse hold exactly what the source holds? Compares by value and prints keys that differ.

import type { Command } from 'commander';
import type { VerifyReport } from '../http/backend.ts';
import { type Cli, examples } from './cli.ts';
import { failureText, toWalflowError } from './failure.ts';
import { EXIT, type ExitCode } from './terminal.ts';
import { verifyText } from './verify-text.ts';

interface VerifyOptions {
  readonly table?: string;
  readonly json?: boolean;
}

export function addVerify(program: Command, cli: Cli): void {
  program
    .command('verify')
    .argument('<pipeline>', 'name of the pipeline')
    .option('--table <schema.table>', 'only this table')
    .option('--json', 'print the report as JSON')
    .description('compare source and warehouse by value; exit 0 equal, 1 differs, 2 could not compare')
    .addHelpText('after', examples('walflow verify shop', 'walflow verify shop --table public.orders'))
    .action(cli.action((pipeline: string, options: VerifyOptions) => verify(cli, pipeline, options)));
}

const EXIT_OF = {
  equal: EXIT.done,
  differs: EXIT.differs,
  'not-comparable': EXIT.couldNot,
} as const satisfies Record<VerifyReport['result'], ExitCode>;

/** A comparison that failed must not look like one that found a difference, so failures end here with exit code 2. */
async function verify(cli: Cli, pipeline: string, options: VerifyOptions): Promise<ExitCode> {
  const { terminal } = cli;
  try {
    const api = await cli.api();
    const report = await api.verify(pipeline, options.table);
    terminal.out(options.json ? JSON.stringify(report) : verifyText(report));
    return EXIT_OF[report.result];
  } catch (failure) {
    terminal.err(failureText(toWalflowError(failure), cli.logLevel()));
    return EXIT.couldNot;
  }
}
