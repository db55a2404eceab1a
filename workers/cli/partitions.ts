// `walflow partitions`: the known partitions of an asset, with their state, page by page.

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { DerivedState, PartitionState } from '../../activities/warehouse/asset-order.ts';
import { textTable } from '../text/table.ts';
import { type Cli, examples } from './cli.ts';
import { EXIT, type ExitCode } from './terminal.ts';

interface PartitionsOptions {
  readonly status?: DerivedState;
  readonly limit: number;
  readonly cursor?: string;
  readonly json?: boolean;
}

const STATES: readonly DerivedState[] = ['missing', 'stale', 'current'];
const MAX_PAGE = 1_000;
const DEFAULT_PAGE = 100;

export function addPartitions(program: Command, cli: Cli): void {
  program
    .command('partitions')
    .argument('<asset>', 'key of a derived asset')
    .description('list the partitions of an asset that were computed or that a change touched')
    .addOption(new Option('--status <state>', 'only those in this state').choices(STATES))
    .addOption(
      new Option('--limit <n>', `at most so many, up to ${MAX_PAGE}`).argParser(pageSize).default(DEFAULT_PAGE),
    )
    .option('--cursor <partition>', 'only those behind this one: the last of the page before')
    .option('--json', 'print the partitions as JSON')
    .addHelpText(
      'after',
      examples(
        'walflow partitions analytics/revenue_by_day',
        'walflow partitions analytics/revenue_by_day --status stale',
      ),
    )
    .action(cli.action((asset: string, options: PartitionsOptions) => list(cli, asset, options)));
}

function pageSize(text: string): number {
  const size = Number(text);
  if (Number.isInteger(size) && size >= 1 && size <= MAX_PAGE) return size;
  throw new InvalidArgumentError(`It is a number from 1 to ${MAX_PAGE}.`);
}

async function list(
  { api, terminal }: Cli,
  asset: string,
  { status, limit, cursor, json }: PartitionsOptions,
): Promise<ExitCode> {
  const page = {
    limit,
    ...(status === undefined ? {} : { state: status }),
    ...(cursor === undefined ? {} : { cursor }),
  };
  const partitions = await (await api()).partitions(asset, page);
  terminal.out(json ? JSON.stringify(partitions) : partitionsText(partitions, limit));
  return EXIT.done;
}

function partitionsText(partitions: readonly PartitionState[], limit: number): string {
  const last = partitions.at(-1)?.partition;
  if (last === undefined) return 'no partitions';
  const table = textTable(
    [{ name: 'partition' }, { name: 'state' }, { name: 'due since' }],
    partitions.map(({ partition, state, dueSince }) => [partition, state, dueSince ?? '']),
  );
  return partitions.length < limit ? table : `${table}\nThere may be more: --cursor '${last}'`;
}
