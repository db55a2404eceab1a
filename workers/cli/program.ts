// The list of commands, and the options that all of them share.

import { Command } from 'commander';
import { SETTINGS } from '../config/setting.ts';
import { WALFLOW_VERSION } from '../version.ts';
import { addAssets } from './assets.ts';
import { addBackfills } from './backfill.ts';
import { addCheck } from './check.ts';
import { addChecks } from './checks.ts';
import { createCli, examples, settingOption } from './cli.ts';
import { addCompletion } from './completion.ts';
import { addDeploy } from './deploy.ts';
import { addDev } from './dev/command.ts';
import { addDown } from './down.ts';
import { addInit } from './init.ts';
import { addOperations } from './operate.ts';
import { addPartitions } from './partitions.ts';
import { addPlan } from './plan.ts';
import { addQuery } from './query.ts';
import { addRuns } from './runs.ts';
import { addSchedules } from './schedules.ts';
import { addSlot } from './slot.ts';
import { addStatus } from './status.ts';
import type { ExitCode, Terminal } from './terminal.ts';
import { addVerify } from './verify.ts';
import { addWhy } from './why.ts';
import { addWorker } from './worker/command.ts';

/** @param finish called with the exit code of the command that ran */
export function createProgram(terminal: Terminal, finish: (code: ExitCode) => void): Command {
  const program = new Command('walflow')
    .description('Postgres to DuckDB tables through Parquet in S3, provably equal, run by Temporal.')
    .version(WALFLOW_VERSION, '-V, --version', 'print the version')
    .addOption(settingOption(SETTINGS.url))
    .addOption(settingOption(SETTINGS.token))
    .option('--config <file>', 'configuration (default: walflow.config.ts in this folder)')
    .addOption(settingOption(SETTINGS.logLevel))
    .addOption(settingOption(SETTINGS.logFormat))
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .addHelpText('after', examples('walflow dev --demo', 'walflow status', 'walflow query "select 1"'))
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
      // Failures are printed once, by main.
      outputError: () => undefined,
    })
    .exitOverride();
  const cli = createCli(program, terminal, finish);
  addDev(program, cli);
  addWorker(program, cli);
  addInit(program, cli);
  addCheck(program, cli);
  addStatus(program, cli);
  addAssets(program, cli);
  addPartitions(program, cli);
  addChecks(program, cli);
  addPlan(program, cli);
  addRuns(program, cli);
  addWhy(program, cli);
  addBackfills(program, cli);
  addQuery(program, cli);
  addVerify(program, cli);
  addSchedules(program, cli);
  addOperations(program, cli);
  addDeploy(program, cli);
  addSlot(program, cli);
  addDown(program, cli);
  addCompletion(program);
  return program;
}
