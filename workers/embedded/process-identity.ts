// Identifies a process by pid and start time. Pids are reused, so a process is only ever killed if its start time is still
// the recorded one. The start time is an opaque text that is only compared.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ProcessIdentity {
  readonly pid: number;
  readonly start: string;
}

/** The process that has this pid now; null when there is none. A zombie does not count: it has ended. */
export async function processOf(pid: number): Promise<ProcessIdentity | null> {
  try {
    return { pid, start: process.platform === 'linux' ? await linuxStart(pid) : await psStart(pid) };
  } catch {
    return null;
  }
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await processOf(identity.pid))?.start === identity.start;
}

/** Field 22 of /proc/<pid>/stat counts from boot, so the boot is part of it (proc_pid_stat(5)). */
async function linuxStart(pid: number): Promise<string> {
  const [stat, boot] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
  ]);
  // The second field is the program's name in parentheses, which may itself contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, start] = [fields[0], fields[19]];
  if (state === undefined || start === undefined || 'ZX'.includes(state)) throw new Error('no such process');
  return `${boot.trim()}:${start}`;
}

async function psStart(pid: number): Promise<string> {
  const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    env: { ...process.env, LC_ALL: 'C' },
  });
  const [, state, start] = /^\s*(\S+)\s+(.+?)\s*$/.exec(stdout) ?? [];
  if (state === undefined || start === undefined || state.startsWith('Z')) throw new Error('no such process');
  return start;
}
