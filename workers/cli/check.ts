// `walflow check`: is the configuration valid? Connects to nothing; the files that it names are read.

import type { Command } from 'commander';
import { ASSET_WAREHOUSE, type ResolvedPipeline, type ResolvedProject } from '../config/project.ts';
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
        cli.terminal.out([projectText(project), ...(await seedTexts(project))].join('\n'));
        return EXIT.done;
      }),
    );
}

function projectText(project: ResolvedProject): string {
  return [
    `project ${project.name} is valid (${project.file ?? 'from flags'})`,
    ...[...project.warehouses.values()].map(({ name, kind, path }) => `  warehouse ${name}: ${kind} ${path}`),
    ...[...project.pipelines.values()].map(pipelineText),
    ...project.graph.made
      .filter(({ definition }) => definition.seed === undefined)
      .map(
        ({ tag, key, reads }) =>
          `  ${tag === 'view' ? tag : 'asset'} ${key} from ${reads.map(({ from }) => from.key).join(', ')}`,
      ),
    ...project.schedules.map(
      ({ name, cron, timezone, materialize }) => `  schedule ${name}: ${cron} (${timezone}) materialize ${materialize}`,
    ),
  ].join('\n');
}

/** The engine is loaded only if there is a file for it to read. */
async function seedTexts({ graph, warehouses }: ResolvedProject): Promise<readonly string[]> {
  const warehouse = warehouses.get(ASSET_WAREHOUSE);
  const seeds = graph.derived.flatMap(({ key, definition: { seed } }) => (seed === undefined ? [] : [{ key, seed }]));
  if (warehouse === undefined || seeds.length === 0) return [];
  const { seedColumns } = await import('../warehouse-opener.ts');
  const texts: string[] = [];
  for (const { key, seed } of seeds) {
    const columns = await seedColumns(warehouse, key, seed);
    texts.push(`  seed ${key} of ${seed.path}: ${columns.map(({ name, type }) => `${name} ${type}`).join(', ')}`);
  }
  return texts;
}

/** Host and database identify the source; user and password are not printed. */
function pipelineText({ name, source, lake, warehouse }: ResolvedPipeline): string {
  const place = URL.canParse(source.url) ? `${new URL(source.url).host}${new URL(source.url).pathname}` : 'its source';
  return `  pipeline ${name}: ${source.tables.join(', ')} of ${place} → ${lake.url}/${name} → ${warehouse} (slot ${source.slot})`;
}
