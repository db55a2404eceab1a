// `walflow checks`: what the checks of assets found when they last ran, and which rows and partitions break them.

import type { Command } from 'commander';
import type { CheckResult, FailingKey } from '../../activities/warehouse/check-order.ts';
import { textTable } from '../text/table.ts';
import { type Cli, examples } from './cli.ts';
import { EXIT, type ExitCode } from './terminal.ts';

interface ChecksOptions {
  readonly json?: boolean;
}

export function addChecks(program: Command, cli: Cli): void {
  program
    .command('checks')
    .argument('[selection]', 'only those of these assets; default: all')
    .description('list the checks of assets: state, failing rows, partitions that were not published')
    .option('--json', 'print the checks as JSON')
    .addHelpText(
      'after',
      examples('walflow checks', 'walflow checks analytics/revenue_by_day', "walflow checks 'tag:tier=gold' --json"),
    )
    .action(cli.action((selection: string | undefined, options: ChecksOptions) => list(cli, selection, options)));
}

async function list({ api, terminal }: Cli, selection: string | undefined, options: ChecksOptions): Promise<ExitCode> {
  const checks = await (await api()).checks(selection);
  terminal.out(options.json ? JSON.stringify(checks) : checksText(checks));
  return EXIT.done;
}

function checksText(checks: readonly CheckResult[]): string {
  if (checks.length === 0) return 'no checks';
  const table = textTable(
    [
      ...[{ name: 'asset' }, { name: 'check' }, { name: 'state' }, { name: 'failing rows', align: 'right' } as const],
      ...[{ name: 'not published' }, { name: 'ran' }],
    ],
    checks.map(({ asset, name, state, failing, blocking, partitionCount, at }) => [
      ...[asset, name, state, String(failing)],
      blocking ? heldText(state, partitionCount) : '',
      at ?? '',
    ]),
  );
  return [table, ...checks.flatMap(detailLines)].join('\n');
}

function heldText(state: CheckResult['state'], partitions: number): string {
  if (partitions > 0) return partitions === 1 ? '1 partition' : `${partitions} partitions`;
  return state === 'failed' || state === 'error' ? 'all of it' : '';
}

function detailLines({ asset, name, error, keys, partitions, partitionCount }: CheckResult): readonly string[] {
  const more = partitionCount - partitions.length;
  const lines = [
    ...(error === undefined ? [] : [error]),
    ...partitions.map(({ partition, failing, keys: own }) => `${partition}: ${failing}${keysText(own)}`),
    ...(more > 0 ? [`and ${more} more partitions`] : []),
    ...(partitions.length === 0 && keys.length > 0 ? [`failing${keysText(keys)}`] : []),
  ];
  return lines.length === 0 ? [] : ['', `${asset} ${name}`, ...lines.map((line) => `  ${line}`)];
}

/** The first keys, one in brackets each. */
function keysText(keys: readonly FailingKey[]): string {
  const one = (key: FailingKey) =>
    Object.entries(key)
      .map(([column, value]) => `${column}=${value ?? 'NULL'}`)
      .join(' ');
  return keys.length === 0 ? '' : ` (${keys.map(one).join(', ')})`;
}
