// `walflow materialize`, `runs` and `run show|cancel|retry`: computes assets now, and says what runs are doing.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { RUN_CAUSES, RUN_STATUSES, type RunCause, type RunStatus } from '../../workflows/model/asset/run.ts';
import type { RetryFrom, RunStatusView } from '../http/backend.ts';
import { textTable } from '../text/table.ts';
import { type Cli, examples } from './cli.ts';
import { EXIT, type ExitCode } from './terminal.ts';

const LOOK_EVERY_MS = 500;
const MAX_PAGE = 1_000;
const DEFAULT_PAGE = 20;

interface MaterializeOptions {
  readonly partition?: string;
  readonly from?: string;
  readonly to?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
}

interface RunsOptions {
  readonly status?: RunStatus;
  readonly asset?: string;
  readonly cause?: RunCause['kind'];
  readonly limit: number;
  readonly cursor?: string;
  readonly json?: boolean;
}

export function addRuns(program: Command, cli: Cli): void {
  program
    .command('materialize')
    .argument('<selection>', 'the assets to compute')
    .description('compute assets now: what is due of them, an asset without partitions in any case')
    .option('--partition <key>', 'only this partition, even if it is current')
    .option('--from <key>', 'only partitions from this one on, even if they are current')
    .option('--to <key>', 'only partitions up to this one')
    .option('--wait', 'wait until the run has ended; exit code 1 if it did not succeed')
    .option('--json', 'print the run as JSON')
    .addHelpText(
      'after',
      examples(
        'walflow materialize analytics/revenue_by_day',
        'walflow materialize analytics/revenue_by_day --partition 2026-11-27 --wait',
        "walflow materialize 'group:analytics' --from 2026-11-01 --to 2026-11-07",
      ),
    )
    .action(cli.action((selection: string, options: MaterializeOptions) => materialize(cli, selection, options)));
  addList(program, cli);
  const run = program
    .command('run')
    .description('one run of assets: show, cancel, retry')
    .helpCommand(false)
    .addHelpText('after', examples('walflow run show 20261127T140000-3f9a1c'));
  addOne(run, cli, 'show', 'show its steps, and what failed', (id) => async () => (await cli.api()).run(id));
  addOne(
    run,
    cli,
    'cancel',
    'interrupt what it computes, and end it',
    (id) => async () => (await cli.api()).cancelRun(id),
  );
  addRetry(run, cli);
}

function addList(program: Command, cli: Cli): void {
  program
    .command('runs')
    .description('list the runs of assets, newest first')
    .addOption(new Option('--status <status>', 'only those in this state').choices(RUN_STATUSES))
    .option('--asset <key>', 'only those with a step of this asset')
    .addOption(new Option('--cause <cause>', 'only those that exist for this reason').choices(RUN_CAUSES))
    .addOption(
      new Option('--limit <n>', `at most so many, up to ${MAX_PAGE}`).argParser(pageSize).default(DEFAULT_PAGE),
    )
    .option('--cursor <id>', 'only those behind this one: the last of the page before')
    .option('--json', 'print the runs as JSON')
    .addHelpText('after', examples('walflow runs', 'walflow runs --status failed --asset analytics/revenue_by_day'))
    .action(cli.action((options: RunsOptions) => list(cli, options)));
}

type Ask = (id: string) => () => Promise<RunStatusView>;

function addOne(parent: Command, cli: Cli, name: 'show' | 'cancel', description: string, ask: Ask): void {
  parent
    .command(name)
    .argument('<id>', 'id of the run, as `walflow runs` lists it')
    .description(description)
    .option('--json', 'print the run as JSON')
    .addHelpText('after', examples(`walflow run ${name} 20261127T140000-3f9a1c`))
    .action(cli.action(async (id: string, { json }: { readonly json?: boolean }) => print(cli, await ask(id)(), json)));
}

function addRetry(parent: Command, cli: Cli): void {
  parent
    .command('retry')
    .argument('<id>', 'id of a run that has ended')
    .description('run again what did not end well, as a new run')
    .addOption(
      new Option('--from <where>', 'only its failed steps and what reads them, or all')
        .choices(['failure', 'all'])
        .default('failure'),
    )
    .option('--json', 'print the new run as JSON')
    .addHelpText('after', examples('walflow run retry 20261127T140000-3f9a1c'))
    .action(
      cli.action(async (id: string, { from, json }: { readonly from: RetryFrom; readonly json?: boolean }) =>
        print(cli, await (await cli.api()).retryRun(id, from), json),
      ),
    );
}

function pageSize(text: string): number {
  const size = Number(text);
  if (Number.isInteger(size) && size >= 1 && size <= MAX_PAGE) return size;
  throw new InvalidArgumentError(`It is a number from 1 to ${MAX_PAGE}.`);
}

async function materialize(cli: Cli, select: string, options: MaterializeOptions): Promise<ExitCode> {
  const { wait, json, ...partitions } = options;
  const api = await cli.api();
  let run = await api.startRun({ select, ...partitions });
  while (wait === true && run.endedAt === null) {
    await sleep(LOOK_EVERY_MS, undefined, { signal: cli.terminal.signal });
    run = await api.run(run.id);
  }
  print(cli, run, json);
  return run.endedAt === null || run.status === 'succeeded' ? EXIT.done : EXIT.failed;
}

async function list({ api, terminal }: Cli, { json, ...query }: RunsOptions): Promise<ExitCode> {
  const runs = await (await api()).runs(query);
  terminal.out(json ? JSON.stringify(runs) : runsText(runs, query.limit));
  return EXIT.done;
}

function print({ terminal }: Cli, run: RunStatusView, json?: boolean): ExitCode {
  terminal.out(json ? JSON.stringify(run) : runText(run));
  return EXIT.done;
}

function runsText(runs: readonly RunStatusView[], limit: number): string {
  const last = runs.at(-1)?.id;
  if (last === undefined) return 'no runs';
  const table = textTable(
    [
      { name: 'run' },
      { name: 'status' },
      { name: 'cause' },
      { name: 'steps', align: 'right' },
      { name: 'assets' },
      { name: 'ended' },
    ],
    runs.map(({ id, status, cause, steps, endedAt }) => [
      ...[id, status, causeText(cause), String(steps.length)],
      steps
        .slice(0, 2)
        .map(({ asset }) => asset)
        .join(', ') + (steps.length > 2 ? ', …' : ''),
      endedAt ?? '',
    ]),
  );
  return runs.length < limit ? table : `${table}\nThere may be more: --cursor ${last}`;
}

function runText({ id, status, cause, steps }: RunStatusView): string {
  const table = textTable(
    [
      { name: 'asset' },
      { name: 'status' },
      { name: 'partitions', align: 'right' },
      { name: 'rows', align: 'right' },
      { name: 'attempt', align: 'right' },
      { name: 'ended' },
    ],
    steps.map((step) => [
      ...[step.asset, step.reason === undefined ? step.status : `${step.status} (${step.reason})`],
      ...[step.partitions, step.rows, step.attempt].map(String),
      step.endedAt ?? '',
    ]),
  );
  const errors = steps.flatMap(({ asset, error }) => (error === undefined ? [] : [`${asset}: ${error}`]));
  return [`run ${id}: ${status} (${causeText(cause)})`, table, ...errors].join('\n');
}

function causeText(cause: RunCause): string {
  if (cause.kind === 'schedule') return `schedule ${cause.name}`;
  return cause.kind === 'backfill' ? `backfill ${cause.id}` : cause.kind;
}
