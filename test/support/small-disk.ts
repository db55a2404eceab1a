// A disk of a few megabytes that can be filled and freed: a tmpfs in a mount namespace of its own, which only processes
// started through its launcher see, and which is gone with them. Needs Linux, and the right to make a user namespace.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const MOUNT = 'mount -t tmpfs -o size="$1",mode=777 small "$2" && echo mounted && exec sleep 3600';

export interface SmallDisk {
  /** Runs a program with the disk in place. */
  readonly launcher: readonly string[];
  /** Leaves that many bytes free. */
  fill(freeBytes: number): void;
  free(): void;
  close(): Promise<void>;
}

/** Why this machine has no small disks; null when it has. */
export async function whyNoSmallDisk(): Promise<string | null> {
  try {
    await promisify(execFile)('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs small /mnt']);
    return null;
  } catch (failure) {
    return `no user namespace with a mount of its own: ${String(failure).split('\n')[0]}`;
  }
}

/** Mounts a disk of that size over a folder, which is made. */
export async function mountSmallDisk(folder: string, bytes: number): Promise<SmallDisk> {
  mkdirSync(folder, { recursive: true });
  const holder: ChildProcess = spawn('unshare', ['-rm', 'sh', '-c', MOUNT, 'sh', String(bytes), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (holder.stdout !== null) await once(holder.stdout, 'data');
  const seenFrom = (path: string) => `/proc/${holder.pid}/root${path}`;
  const filler = seenFrom(join(folder, 'filler'));
  return {
    launcher: ['nsenter', '-t', String(holder.pid), '-U', '-m', '--preserve-credentials', `--wd=${process.cwd()}`],
    fill: (freeBytes) => {
      const { bavail, bsize } = statfsSync(seenFrom(folder));
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - freeBytes)));
    },
    free: () => rmSync(filler, { force: true }),
    close: async () => {
      const gone = once(holder, 'close');
      holder.kill('SIGKILL');
      await gone;
    },
  };
}
