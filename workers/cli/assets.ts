// `walflow assets` and `walflow graph`: the assets of a running walflow, all or a selection, as a list or as a graph.

import { type Command, Option } from 'commander';
import type { AssetStatus } from '../http/backend.ts';
import { ageText, currentText } from '../text/quantity.ts';
import { textTable } from '../text/table.ts';
import { type Cli, examples } from './cli.ts';
import { graphMermaid, graphTree } from './graph-text.ts';
import { EXIT, type ExitCode } from './terminal.ts';

interface AssetsOptions {
  readonly json?: boolean;
}

interface GraphOptions extends AssetsOptions {
  readonly mermaid?: boolean;
}

const SYNTAX = `
Selection: key, group/*, +key (with all it reads), key+ (with all that reads it), 2+key+1, group:x, tag:k=v,
  owner:x, kind:captured|derived|view|seed, pipeline:x, status:current|stale|missing|failed, roots(), sinks(), and, or, not, ( )`;

export function addAssets(program: Command, cli: Cli): void {
  program
    .command('assets')
    .argument('[selection]', 'only these; default: all')
    .description('list assets: state, freshness, partitions')
    .option('--json', 'print the assets as JSON')
    .addHelpText('after', SYNTAX + examples('walflow assets', "walflow assets 'status:stale and tag:tier=gold'"))
    .action(cli.action((selection: string | undefined, options: AssetsOptions) => list(cli, selection, options)));
  program
    .command('graph')
    .argument('[selection]', 'only these; default: all')
    .description('draw the asset graph: what reads what')
    .addOption(new Option('--json', 'print {nodes, edges} as JSON').conflicts('mermaid'))
    .option('--mermaid', 'print a Mermaid flowchart')
    .addHelpText(
      'after',
      SYNTAX +
        examples('walflow graph', 'walflow graph +analytics/revenue_by_day', 'walflow graph --mermaid > graph.mmd'),
    )
    .action(cli.action((selection: string | undefined, options: GraphOptions) => draw(cli, selection, options)));
}

async function list({ api, terminal }: Cli, selection: string | undefined, options: AssetsOptions): Promise<ExitCode> {
  const assets = await (await api()).assets(selection);
  if (options.json) terminal.out(JSON.stringify(assets));
  else terminal.out(assets.length === 0 ? noneText(selection) : assetTable(assets));
  return EXIT.done;
}

async function draw({ api, terminal }: Cli, selection: string | undefined, options: GraphOptions): Promise<ExitCode> {
  const graph = await (await api()).graph(selection);
  if (options.json) terminal.out(JSON.stringify(graph));
  else if (options.mermaid) terminal.out(graphMermaid(graph));
  else terminal.out(graph.nodes.length === 0 ? noneText(selection) : graphTree(graph));
  return EXIT.done;
}

const noneText = (selection: string | undefined) =>
  selection === undefined ? 'no assets' : `no asset matches ${selection}`;

function assetTable(assets: readonly AssetStatus[]): string {
  return textTable(
    [
      ...[{ name: 'asset' }, { name: 'kind' }, { name: 'state' }, { name: 'freshness' }],
      ...[{ name: 'age', align: 'right' } as const, { name: 'partitions' }],
    ],
    assets.map(({ key, kind, status, freshness, partitions }) => [
      ...[key, kind, status, freshness.state, ageText(freshness.ageSeconds)],
      partitions === undefined ? '' : currentText(partitions),
    ]),
  );
}
