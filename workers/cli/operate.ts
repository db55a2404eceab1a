// `walflow pause`, `resume` and `resync`: ask a pipeline's ingest to stop reading the log (the slot keeps what is not read),
// to go on, or to copy one table again.

import type { Command } from 'commander';
import { type Cli, examples } from './cli.ts';
import { EXIT } from './terminal.ts';

const OPERATIONS = [
  {
    name: 'pause',
    description: 'stop reading the log of a pipeline; its slot keeps WAL meanwhile',
    done: 'is pausing: its slot keeps WAL until it is resumed',
  },
  { name: 'resume', description: 'go on with a paused pipeline', done: 'goes on' },
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
    .description('copy one table again beside the running stream, e.g. when it is paused; its old rows stay readable')
    .addHelpText('after', examples('walflow resync shop public.orders'))
    .action(
      cli.action(async (pipeline: string, table: string) => {
        const { workflowId } = await cli.api().resync(pipeline, table);
        cli.terminal.out(`${table} is copied again (${workflowId})`);
        return EXIT.done;
      }),
    );
}
