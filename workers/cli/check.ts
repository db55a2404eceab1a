// `walflow check`: is the configuration valid? Connects to nothing.

import type { Command } from 'commander';
import type { ResolvedPipeline, ResolvedProject } from '../config/project.ts';
import { type Cli, examples } from './cli.ts';
import { EXIT } from './terminal.ts';

export function addCheck(program: Command, cli: Cli): void {
  program
    .command('check')
    .description('validate the configuration and print what it means; connects to nothing')
    .addHelpText('after', examples('walflow check', 'walflow check --config staging.config.ts'))
    .action(
      cli.action(async () => {
        const { project } = await cli.projectTarget();
        cli.terminal.out(projectText(project));
        return EXIT.done;
      }),
    );
}

function projectText(project: ResolvedProject): string {
  return [
    `project ${project.name} is valid (${project.file ?? 'from flags'})`,
    ...[...project.warehouses.values()].map(({ name, kind, path }) => `  warehouse ${name}: ${kind} ${path}`),
    ...[...project.pipelines.values()].map(pipelineText),
    ...project.graph.made.map(
      ({ tag, key, reads }) =>
        `  ${tag === 'view' ? tag : 'asset'} ${key} from ${reads.map(({ from }) => from.key).join(', ')}`,
    ),
  ].join('\n');
}

/** Host and database identify the source; user and password are not printed. */
function pipelineText({ name, source, lake, warehouse }: ResolvedPipeline): string {
  const place = URL.canParse(source.url) ? `${new URL(source.url).host}${new URL(source.url).pathname}` : 'its source';
  return `  pipeline ${name}: ${source.tables.join(', ')} of ${place} → ${lake.url}/${name} → ${warehouse} (slot ${source.slot})`;
}
