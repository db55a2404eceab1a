// `walflow dev`: everything on this machine, from the servers to the page, until Ctrl-C.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Cli, examples } from '../cli.ts';
import type { DevFlags } from './plan.ts';

const DEFAULT_RATE = 200;
const MAX_RATE = 100_000;

export function addDev(program: Command, cli: Cli): void {
  program
    .command('dev')
    .description(
      'run everything on this machine: the servers it needs, workers, page, live status; Ctrl-C stops it all',
    )
    .option('--demo', 'follow a small shop in a Postgres of its own, with live traffic')
    .option('--rate <rows>', 'rows per second of the demo traffic', rateOf, DEFAULT_RATE)
    .addOption(new Option('--source <url>', 'follow this database instead of a configuration file').conflicts('demo'))
    .option('--tables <table...>', 'its tables, `schema.table` or `schema.*` (default: public.*)')
    .option('--pipeline <name>', 'name of its pipeline, slot and publication (default: main)')
    .option('--drop-slot-on-exit', 'leave nothing on the source; next time every table gets a new snapshot')
    .addHelpText(
      'after',
      examples(
        'walflow dev --demo --rate 500',
        'walflow dev --source "$DATABASE_URL" --tables public.orders public.users',
        'walflow dev --config walflow.config.ts',
      ),
    )
    .action(
      cli.action(async (flags: DevFlags) => {
        const { runDev } = await import('./run.ts');
        return await runDev(cli, flags);
      }),
    );
}

function rateOf(text: string): number {
  const rate = Number(text);
  if (Number.isFinite(rate) && rate > 0 && rate <= MAX_RATE) return rate;
  throw new InvalidArgumentError(`it is a number of rows per second, up to ${MAX_RATE}`);
}
