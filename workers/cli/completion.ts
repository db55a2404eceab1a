// `walflow completion`: a script for the shell. It calls the hidden command `complete`, which knows every command and option.

import completion from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { examples } from './cli.ts';

const NAME = 'completion';

/** Call it last: it offers the commands that are there. */
export function addCompletion(program: Command): void {
  completion(program, { completionCommandName: NAME });
  program.commands
    .find((command) => command.name() === NAME)
    ?.description('print a script that completes commands and options in a shell')
    .addHelpText(
      'after',
      examples(
        'walflow completion fish > ~/.config/fish/completions/walflow.fish',
        'source <(walflow completion bash)',
        'source <(walflow completion zsh)',
      ),
    );
}
