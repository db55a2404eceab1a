// `walflow deploy` and `start`: start the long-lived workflows. Repeating either changes nothing.

import type { Command } from 'commander';
import { type Cli, examples } from './cli.ts';
import { withSourceFlag } from './project-flags.ts';

export function addDeploy(program: Command, cli: Cli): void {
  program
    .command('deploy')
    .description("register search attributes and start the project's workflows; shows what changes")
    .option('--dry-run', 'only show what would change')
    .addHelpText('after', examples('walflow deploy --dry-run', 'walflow deploy'))
    .action(
      cli.action(async ({ dryRun = false }: { readonly dryRun?: boolean }) => {
        const { deploy } = await import('./deployment.ts');
        return await deploy(cli, dryRun);
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
