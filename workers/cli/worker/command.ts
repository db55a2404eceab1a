// `walflow worker`: a process in production, or one of the two that `walflow dev` starts. SIGTERM drains it.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { SETTINGS } from '../../config/setting.ts';
import { type Cli, examples, settingOption } from '../cli.ts';
import { SOURCE_VARIABLE } from '../project-flags.ts';
import type { WorkerRole } from './role.ts';
import type { WorkerFlags } from './run.ts';

const ROLES = ['ingest', 'warehouse'] as const satisfies readonly WorkerRole[];

export function addWorker(program: Command, cli: Cli): void {
  program
    .command('worker')
    .description('run workers: `ingest` streams into the lake, `warehouse` merges and serves the HTTP API')
    .requiredOption('--role <roles>', `one or more of ${ROLES.join(', ')}, comma separated`, rolesOf)
    .option('--http-port <port>', 'port of the API and page, or of /metrics when only `ingest` runs')
    .addOption(settingOption(SETTINGS.heartbeatTimeoutSeconds))
    .option('--watch', 'restart whenever the configuration is saved, and make its schedules')
    .addOption(
      new Option('--source <url>', 'follow this database instead of a configuration file').env(SOURCE_VARIABLE),
    )
    .option('--tables <table...>', 'with --source: its tables (default: public.*)')
    .option('--pipeline <name>', 'with --source: name of its pipeline (default: main)')
    .addHelpText('after', examples('walflow worker --role ingest', 'walflow worker --role warehouse --http-port 4400'))
    .action(
      cli.action(async (flags: WorkerFlags) => {
        const { runWorkers } = await import('./run.ts');
        return await runWorkers(cli, flags);
      }),
    );
}

function rolesOf(text: string): readonly WorkerRole[] {
  const names = text.split(',').map((name) => name.trim());
  const roles = ROLES.filter((role) => names.includes(role));
  if (roles.length === new Set(names).size) return roles;
  throw new InvalidArgumentError(`roles are ${ROLES.join(' and ')}`);
}
