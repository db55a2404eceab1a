// The list of commands and the options all of them share. A command that is listed works.

import { Command, Option } from 'commander';
import { WALFLOW_VERSION } from '../version.ts';
import { createCli, examples } from './cli.ts';
import { addInit } from './init.ts';
import { addOperations } from './operate.ts';
import { addQuery } from './query.ts';
import { addStatus } from './status.ts';
import type { ExitCode, Terminal } from './terminal.ts';
import { addVerify } from './verify.ts';

/** @param finish told the exit code of the command that ran */
export function createProgram(terminal: Terminal, finish: (code: ExitCode) => void): Command {
  const program = new Command('walflow')
    .description('Postgres to DuckDB tables through Parquet in S3, provably equal, run by Temporal.')
    .version(WALFLOW_VERSION, '-V, --version', 'print the version')
    .option('--url <url>', 'a running walflow (WALFLOW_URL, default http://127.0.0.1:4400)')
    .option('--token <token>', 'its token (WALFLOW_TOKEN)')
    .option('--config <file>', 'configuration (default: walflow.config.ts in this folder)')
    .addOption(levelOption())
    .addOption(formatOption())
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .addHelpText('after', examples('walflow dev --demo', 'walflow status', 'walflow query "select 1"'))
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
      // What went wrong is printed once, by main.
      outputError: () => undefined,
    })
    .exitOverride();
  const cli = createCli(program, terminal, finish);
  addInit(program, cli);
  addStatus(program, cli);
  addQuery(program, cli);
  addVerify(program, cli);
  addOperations(program, cli);
  return program;
}

function levelOption(): Option {
  return new Option('--log-level <level>', 'how much the log says')
    .choices(['trace', 'debug', 'info', 'warn', 'error'])
    .default('info');
}

function formatOption(): Option {
  return new Option('--log-format <format>', 'for people or for machines').choices(['pretty', 'json']);
}
