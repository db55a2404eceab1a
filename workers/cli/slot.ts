// `walflow slot` and `remove`: what a pipeline makes the source keep on its disk, and how to end that.

import type { Command } from 'commander';
import { type Cli, examples } from './cli.ts';
import { withSourceFlag } from './project-flags.ts';
import type { SlotAction, SlotFlags } from './slot-actions.ts';

export function addSlot(program: Command, cli: Cli): void {
  const slot = program
    .command('slot')
    .description("a pipeline's replication slot on its source")
    .addHelpText('after', examples('walflow slot show shop'));
  const show = slot.command('show').option('--json', 'print the figures as JSON');
  add(show, 'state, lag and retained WAL', cli, 'showSlot');
  add(slot.command('drop'), 'drop the slot; the pipeline goes on only after `slot recreate`', cli, 'dropOwnSlot');
  add(slot.command('recreate'), 'make a new slot and take a new snapshot of every table', cli, 'recreateSlot');
  add(
    program.command('remove'),
    'stop a pipeline, drop its slot and publications, keep its lake',
    cli,
    'removePipeline',
  );
}

function add(command: Command, description: string, cli: Cli, action: SlotAction): void {
  const path = command.parent?.name() === 'slot' ? `slot ${command.name()}` : command.name();
  withSourceFlag(command)
    .argument('<pipeline>', 'name of the pipeline')
    .description(description)
    .addHelpText('after', examples(`walflow ${path} shop`, `walflow ${path} main --source "$DATABASE_URL"`))
    .action(
      cli.action(async (name: string, flags: SlotFlags) => {
        const actions = await import('./slot-actions.ts');
        return await actions[action](cli, name, flags);
      }),
    );
}
