// `walflow pause`, `resume` and `resync`: ask a pipeline's ingest to stop reading WAL, which its slot then keeps, to go on,
// or to take a new snapshot of one table.

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
          const { workflowId } = await cli.api().operate(pipeline, name);
          cli.terminal.out(`${pipeline} ${done} (${workflowId})`);
          return EXIT.done;
        }),
      );
  }
  program
    .command('resync')
    .argument('<pipeline>', 'name of the pipeline')
    .argument('<table>', 'captured table, `schema.table`')
    .description('take a new snapshot of one table, e.g. a paused one; its old rows stay readable until then')
    .addHelpText('after', examples('walflow resync shop public.orders'))
    .action(
      cli.action(async (pipeline: string, table: string) => {
        const { workflowId } = await cli.api().resync(pipeline, table);
        cli.terminal.out(`${table} gets a new snapshot (${workflowId})`);
        return EXIT.done;
      }),
    );
}
