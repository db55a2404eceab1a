// `walflow schedules` and `walflow schedule`: list the schedules of a running walflow; pause, resume or trigger one.

import type { Command } from 'commander';
import type { ScheduleOperation, ScheduleStatus } from '../http/backend.ts';
import { textTable } from '../text/table.ts';
import { type Cli, examples } from './cli.ts';
import { EXIT, type ExitCode } from './terminal.ts';

interface Options {
  readonly json?: boolean;
}

const OPERATIONS: readonly { readonly name: ScheduleOperation; readonly description: string; readonly done: string }[] =
  [
    { name: 'pause', description: 'let it fire no more; deploying does not end that', done: 'is paused' },
    {
      name: 'resume',
      description: 'let it fire again; its next tick takes over what passed meanwhile',
      done: 'goes on',
    },
    { name: 'trigger', description: 'do now what its last tick did, and what has ended since', done: 'is triggered' },
  ];

export function addSchedules(program: Command, cli: Cli): void {
  program
    .command('schedules')
    .description('list schedules: when they fire, what they materialize, up to when that is done')
    .option('--json', 'print the schedules as JSON')
    .addHelpText('after', examples('walflow schedules', 'walflow schedules --json'))
    .action(cli.action((options: Options) => list(cli, options)));
  const schedule = program
    .command('schedule')
    .description('pause, resume or trigger a schedule')
    .addHelpText('after', examples('walflow schedule pause nightly', 'walflow schedule trigger nightly'));
  for (const { name: operation, description, done } of OPERATIONS) {
    schedule
      .command(operation)
      .argument('<name>', 'name of the schedule')
      .description(description)
      .option('--json', 'print the schedule as JSON')
      .addHelpText('after', examples(`walflow schedule ${operation} nightly`))
      .action(
        cli.action(async (name: string, { json }: Options) => {
          const status = await (await cli.api()).operateSchedule(name, operation);
          cli.terminal.out(json ? JSON.stringify(status) : `${name} ${done} (${status.scheduleId})`);
          return EXIT.done;
        }),
      );
  }
}

async function list({ api, terminal }: Cli, { json }: Options): Promise<ExitCode> {
  const schedules = await (await api()).schedules();
  if (json) terminal.out(JSON.stringify(schedules));
  else terminal.out(schedules.length === 0 ? 'no schedules' : scheduleTable(schedules));
  return EXIT.done;
}

function scheduleTable(schedules: readonly ScheduleStatus[]): string {
  return textTable(
    ['schedule', 'cron', 'zone', 'materializes', 'state', 'next', 'last', 'handled'].map((name) => ({ name })),
    schedules.map(({ name, cron, timezone, materialize, state, nextAt, lastAt, handledAt }) => [
      ...[name, cron, timezone, materialize, state],
      ...[nextAt, lastAt, handledAt].map(timeText),
    ]),
  );
}

/** To the second. */
const timeText = (at: string | null) => at?.replace(/\.\d+Z$/, 'Z') ?? '';
