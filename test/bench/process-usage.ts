// What a process and all its descendants hold and use, as Linux counts it (proc_pid_stat(5), proc_pid_status(5)).

import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessUsage {
  /** Resident memory; what the processes of a server share is counted once. */
  readonly memoryBytes: number;
  /** Since they began, children that have ended included. */
  readonly processorSeconds: number;
}

interface ProcessStat {
  readonly parent: number;
  readonly processorSeconds: number;
}

const TICKS_PER_SECOND = 100;
const KIB = 1024;

/** Of several roots at one moment; null for one that is gone. */
export function usageOf(roots: readonly number[]): readonly (ProcessUsage | null)[] {
  const stats = allStats();
  const children = new Map<number, number[]>();
  for (const [pid, { parent }] of stats) children.set(parent, [...(children.get(parent) ?? []), pid]);
  const treeOf = (pid: number): readonly number[] => [pid, ...(children.get(pid) ?? []).flatMap(treeOf)];
  return roots.map((root) => {
    if (!stats.has(root)) return null;
    const tree = treeOf(root);
    const memories = tree.map(memoryOf);
    return {
      memoryBytes: sum(memories.map(({ own }) => own)) + Math.max(...memories.map(({ shared }) => shared)),
      processorSeconds: sum(tree.map((pid) => stats.get(pid)?.processorSeconds ?? 0)),
    };
  });
}

/** The most memory one process has held at once; null when it is gone or there is no /proc. */
export function peakMemoryOf(pid: number): number | null {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readOrNothing(`/proc/${pid}/status`)) ?? [];
  return kilobytes === undefined ? null : Number(kilobytes) * KIB;
}

function allStats(): ReadonlyMap<number, ProcessStat> {
  const stats = new Map<number, ProcessStat>();
  for (const name of readdirSync('/proc')) {
    const text = /^\d+$/.test(name) ? readOrNothing(`/proc/${name}/stat`) : '';
    // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (fields.length < 15) continue;
    const ticks = sum(fields.slice(11, 15).map(Number));
    stats.set(Number(name), { parent: Number(fields[1]), processorSeconds: ticks / TICKS_PER_SECOND });
  }
  return stats;
}

function memoryOf(pid: number): { readonly own: number; readonly shared: number } {
  const status = readOrNothing(`/proc/${pid}/status`);
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * KIB;
  return { own: bytes('RssAnon') + bytes('RssFile'), shared: bytes('RssShmem') };
}

/** A process may end between being listed and being read. */
function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
