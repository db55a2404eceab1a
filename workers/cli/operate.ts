// `walflow pause`, `resume`, `resync` and `drop-detached`: ask a pipeline's ingest to stop reading WAL, which its slot then keeps,
// to go on, or to take a new snapshot of one table; and the warehouse to drop tables that are no longer captured.

import type { Command } from 'commander';
import { type Cli, examples } from './cli.ts';
import { EXIT } from './terminal.ts';

const OPERATIONS = [
  {
    name: 'pause',
    description: 'stop reading WAL for a pipeline; its slot keeps it meanwhile',
    done: 'is pausing: its slot keeps WAL until you resume it',
  },
  { name: 'resume', description: 'continue a paused pipeline', done: 'goes on' },
] as const;

export function addOperations(program: Command, cli: Cli): void {
  for (const { name, description, done } of OPERATIONS) {
    program
      .command(name)
      .argument('<pipeline>', 'name of the pipeline')
      .description(description)
      .addHelpText('after', examples(`walflow ${name} shop`))
      .action(
        cli.action(async (pipeline: string) => {
          const { workflowId } = await (await cli.api()).operate(pipeline, name);
          cli.terminal.out(`${pipeline} ${done} (${workflowId})`);
          return EXIT.done;
        }),
      );
  }
  addResync(program, cli);
  addDropDetached(program, cli);
}

function addResync(program: Command, cli: Cli): void {
  program
    .command('resync')
    .argument('<pipeline>', 'name of the pipeline')
    .argument('<table>', 'captured table, `schema.table`')
    .description('take a new snapshot of one table, e.g. a paused one; its old rows stay readable until then')
    .addHelpText('after', examples('walflow resync shop public.orders'))
    .action(
      cli.action(async (pipeline: string, table: string) => {
        const { workflowId } = await (await cli.api()).resync(pipeline, table);
        cli.terminal.out(`${table} gets a new snapshot (${workflowId})`);
        return EXIT.done;
      }),
    );
}

function addDropDetached(program: Command, cli: Cli): void {
  program
    .command('drop-detached')
    .argument('<pipeline>', 'name of the pipeline')
    .option('--table <schema.table>', 'only this table')
    .description('drop tables from the warehouse that are no longer captured, with their rows')
    .addHelpText(
      'after',
      examples('walflow drop-detached shop', 'walflow drop-detached shop --table public.old_orders'),
    )
    .action(
      cli.action(async (pipeline: string, { table }: { readonly table?: string }) => {
        const { dropped } = await (await cli.api()).dropDetached(pipeline, table);
        cli.terminal.out(
          dropped.length === 0 ? `${pipeline} has no detached tables` : `dropped: ${dropped.join(', ')}`,
        );
        return EXIT.done;
      }),
    );
}
