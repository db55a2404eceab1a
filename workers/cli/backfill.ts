// `walflow backfill` and `backfills`: compute many partitions in the background, and look after it.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BackfillDetail, BackfillView } from '../../activities/warehouse/backfill-order.ts';
import { BACKFILL_ONLY } from '../../workflows/model/asset/backfill.ts';
import type { BackfillRequest } from '../http/backend.ts';
import { ageText } from '../text/quantity.ts';
import { textTable } from '../text/table.ts';
import { type Cli, examples } from './cli.ts';
import { EXIT, type ExitCode } from './terminal.ts';

interface BackfillOptions {
  readonly from?: string;
  readonly to?: string;
  readonly onlyMissing?: boolean;
  readonly onlyStale?: boolean;
  readonly chunk?: number;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly json?: boolean;
}

const CONTROLS = [
  { name: 'pause', description: 'start no further run of a backfill; the running one ends', done: 'is paused' },
  { name: 'resume', description: 'continue a paused backfill', done: 'goes on' },
  { name: 'cancel', description: 'end a backfill and its running run; what is computed stays', done: 'is cancelled' },
] as const;

const POLL_MS = 1_000;

export function addBackfills(program: Command, cli: Cli): void {
  const backfill = program
    .command('backfill')
    .argument('<selection>', 'the assets, as for `walflow assets`')
    .description('compute partitions of assets in the background, upstream before downstream')
    .option('--from <partition>', 'first partition by time; default: the first one of the asset')
    .option('--to <partition>', 'last partition by time, included; default: the newest that has begun')
    .addOption(new Option('--only-missing', 'only partitions that were never computed').conflicts('onlyStale'))
    .option('--only-stale', 'only partitions whose code or inputs changed since')
    .option('--chunk <n>', 'partitions of one run, up to 1,000; default 100', chunkSize)
    .option('--dry-run', 'say what would be computed, and start nothing')
    .option('--wait', 'show progress until it has ended; Ctrl-C only stops the waiting')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      examples(
        'walflow backfill analytics/revenue_by_day --from 2026-01-01 --to 2026-01-31',
        "walflow backfill 'group:analytics' --only-stale --dry-run",
        'walflow backfill show 20261128T101500-4k2j9d',
      ),
    )
    .action(cli.action((selection: string, options: BackfillOptions) => start(cli, selection, options)));
  backfill
    .command('show')
    .argument('<id>', 'id of the backfill')
    .description('show how far a backfill is, and what it could not compute')
    .option('--json', 'print as JSON')
    .action(
      cli.action(async (id: string, _: BackfillOptions, command: Command) => {
        // Commander gives an option that `backfill` has too to `backfill`.
        const { json } = command.optsWithGlobals<BackfillOptions>();
        const detail = await (await cli.api()).backfill(id);
        cli.terminal.out(json ? JSON.stringify(detail) : detailText(detail));
        return EXIT.done;
      }),
    );
  for (const { name, description, done } of CONTROLS) {
    backfill
      .command(name)
      .argument('<id>', 'id of the backfill')
      .description(description)
      .action(
        cli.action(async (id: string) => {
          await (await cli.api()).controlBackfill(id, name);
          cli.terminal.out(`backfill ${id} ${done}`);
          return EXIT.done;
        }),
      );
  }
  program
    .command('backfills')
    .description('list backfills, newest first')
    .option('--json', 'print as JSON')
    .addHelpText('after', examples('walflow backfills'))
    .action(
      cli.action(async ({ json }: BackfillOptions) => {
        const all = await (await cli.api()).backfills();
        cli.terminal.out(json ? JSON.stringify(all) : all.length === 0 ? 'no backfills' : listText(all));
        return EXIT.done;
      }),
    );
}

function chunkSize(text: string): number {
  const size = Number(text);
  if (Number.isInteger(size) && size >= 1 && size <= 1_000) return size;
  throw new InvalidArgumentError('It is a number from 1 to 1,000.');
}

async function start(cli: Cli, select: string, options: BackfillOptions): Promise<ExitCode> {
  const { terminal } = cli;
  const api = await cli.api();
  const started = await api.startBackfill(requestOf(select, options));
  const partitions = started.assets.reduce((sum, asset) => sum + asset.partitions, 0);
  if (options.json && !options.wait) terminal.out(JSON.stringify(started));
  else if (started.id === null) {
    terminal.out(partitions === 0 ? 'nothing to compute' : planText(started.assets));
  } else terminal.out(`backfill ${started.id} computes ${counted(partitions)}`);
  if (started.id === null || !options.wait) return EXIT.done;
  const detail = await ended(cli, started.id);
  terminal.out(options.json ? JSON.stringify(detail) : detailText(detail));
  return detail.status === 'succeeded' ? EXIT.done : EXIT.failed;
}

function requestOf(select: string, options: BackfillOptions): BackfillRequest {
  const { from, to, chunk, onlyMissing, onlyStale, dryRun } = options;
  const only = BACKFILL_ONLY.find((state) => ({ missing: onlyMissing, stale: onlyStale })[state]);
  return {
    select,
    dryRun: dryRun === true,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(only === undefined ? {} : { only }),
    ...(chunk === undefined ? {} : { chunk }),
  };
}

/** Shows a line whenever something was done. */
async function ended({ api, terminal }: Cli, id: string): Promise<BackfillDetail> {
  const client = await api();
  for (let shown = ''; ; ) {
    const detail = await client.backfill(id);
    if (detail.endedAt !== null) return detail;
    const line = progressText(detail);
    if (line !== shown) terminal.err(line);
    shown = line;
    await sleep(POLL_MS, undefined, { signal: terminal.signal });
  }
}

const counted = (partitions: number) => (partitions === 1 ? '1 partition' : `${partitions} partitions`);

const planText = (assets: readonly { readonly asset: string; readonly partitions: number }[]) =>
  textTable(
    [{ name: 'asset' }, { name: 'partitions', align: 'right' }],
    assets.map(({ asset, partitions }) => [asset, String(partitions)]),
  );

function progressText({ assets, status, secondsLeft }: BackfillView): string {
  const total = assets.reduce((sum, asset) => sum + asset.total, 0);
  const open = assets.reduce((sum, { done, failed, skipped }) => sum + done + failed + skipped, 0);
  const left = secondsLeft === null ? '' : `, about ${ageText(secondsLeft)} left`;
  return `${open} of ${counted(total)}${status === 'paused' ? ', paused' : left}`;
}

function listText(backfills: readonly BackfillView[]): string {
  return textTable(
    [{ name: 'id' }, { name: 'status' }, { name: 'progress' }, { name: 'selection' }],
    backfills.map((one) => [one.id, one.status, progressText(one), one.selection]),
  );
}

function detailText(detail: BackfillDetail): string {
  const table = textTable(
    [{ name: 'asset' }, ...['total', 'done', 'failed', 'skipped'].map((name) => ({ name, align: 'right' }) as const)],
    detail.assets.map(({ asset, ...counts }) => [
      asset,
      ...[counts.total, counts.done, counts.failed, counts.skipped].map(String),
    ]),
  );
  const failures = detail.failures.map(
    ({ asset, partition, state, reason }) => `${state} ${asset}${partition === null ? '' : ` ${partition}`}: ${reason}`,
  );
  return [`backfill ${detail.id}: ${detail.status}, ${progressText(detail)}`, table, ...failures].join('\n');
}
