// A parent that is killed with kill -9 cannot stop its children. On Linux the kernel can send them their stop signal then
// (prctl PR_SET_PDEATHSIG, through util-linux `setpriv`); elsewhere `walflow down` cleans up.

import { execFile } from 'node:child_process';

type Command = readonly [string, ...string[]];

let supported: Promise<boolean> | undefined;

/** The command, wrapped so that it gets `signal` when its parent dies; unchanged where the system cannot do that. */
export async function dyingWithParent(command: Command, signal: NodeJS.Signals): Promise<Command> {
  supported ??= canSetParentDeathSignal();
  return (await supported) ? ['setpriv', '--pdeathsig', signal.slice('SIG'.length), '--', ...command] : command;
}

/** Busybox's `setpriv` lacks the option, so the only sure test is to use it. */
function canSetParentDeathSignal(): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(false);
  return new Promise((resolve) => {
    execFile('setpriv', ['--pdeathsig', 'TERM', '--', 'true'], (error) => resolve(error === null));
  });
}
