// `walflow plan`: what the configuration would change in the warehouse of a running walflow. Nothing is changed.

import type { Command } from 'commander';
import { listedKeys } from '../../workflows/model/asset/partitioning.ts';
import { ASSET_WAREHOUSE, type ResolvedProject } from '../config/project.ts';
import { textTable } from '../text/table.ts';
import { type Cli, examples } from './cli.ts';
import { type PlannedChange, plannedChanges, type WantedAsset } from './plan-changes.ts';
import { EXIT, type ExitCode } from './terminal.ts';

interface PlanOptions {
  readonly json?: boolean;
}

export function addPlan(program: Command, cli: Cli): void {
  program
    .command('plan')
    .description(
      'tell which assets the configuration would create, make stale, rebuild, replace, rename or drop; changes nothing',
    )
    .option('--json', 'print {changes} as JSON')
    .addHelpText('after', examples('walflow plan', 'walflow plan --config next.config.ts --json'))
    .action(cli.action((options: PlanOptions) => plan(cli, options)));
}

async function plan({ api, terminal, projectTarget }: Cli, { json }: PlanOptions): Promise<ExitCode> {
  const { project } = await projectTarget();
  const wanted = await wantedAssets(project);
  const changes = plannedChanges(wanted, await (await api()).declarations());
  terminal.out(json ? JSON.stringify({ changes }) : changesText(changes));
  return EXIT.done;
}

/** The engine is loaded only by those who plan: it knows what decides an asset's rows. */
async function wantedAssets({ graph, warehouses }: ResolvedProject): Promise<readonly WantedAsset[]> {
  const warehouse = warehouses.get(ASSET_WAREHOUSE);
  if (warehouse === undefined) return [];
  const { declarationsOf } = await import('../warehouse-opener.ts');
  const definitions = new Map(graph.made.map(({ key, definition }) => [key, definition]));
  return declarationsOf(warehouse, graph.made).map((one) => {
    const { partitions, previousKeys } = definitions.get(one.asset) ?? {};
    const count = partitions === undefined ? 1 : (listedKeys(partitions)?.length ?? null);
    return { ...one, partitions: count, ...(previousKeys === undefined ? {} : { previousKeys }) };
  });
}

function changesText(changes: readonly PlannedChange[]): string {
  if (changes.length === 0) return 'nothing changes';
  return textTable(
    [{ name: 'change' }, { name: 'asset' }, { name: 'partitions', align: 'right' }, { name: 'because' }],
    changes.map(({ change, asset, partitions, why }) => [
      change,
      asset,
      partitions?.toLocaleString('en-US') ?? '',
      why,
    ]),
  );
}
