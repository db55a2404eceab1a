// `walflow deploy` and `start`: run the long-lived workflows as configured. Repeating either changes nothing.

import type { Command } from 'commander';
import { SETTINGS } from '../config/setting.ts';
import { type Cli, examples, settingOption } from './cli.ts';
import type { DeployFlags } from './deployment.ts';
import { withSourceFlag } from './project-flags.ts';

export function addDeploy(program: Command, cli: Cli): void {
  program
    .command('deploy')
    .description(
      "register search attributes, start the project's workflows and tell those that run what changed, make its schedules; shows it",
    )
    .option('--dry-run', 'only show what would change')
    .addOption(settingOption(SETTINGS.heartbeatTimeoutSeconds))
    .addHelpText('after', examples('walflow deploy --dry-run', 'walflow deploy'))
    .action(
      cli.action(async (flags: DeployFlags) => {
        const { deploy } = await import('./deployment.ts');
        return await deploy(cli, flags);
      }),
    );
  withSourceFlag(program.command('start'))
    .argument('<pipeline>', 'name of the pipeline')
    .description("start a pipeline's workflows, e.g. after `remove` or a lost Temporal database")
    .addHelpText('after', examples('walflow start shop'))
    .action(
      cli.action(async (name: string, flags: { readonly source?: string }) => {
        const { start } = await import('./deployment.ts');
        return await start(cli, name, flags);
      }),
    );
}
