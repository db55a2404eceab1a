// `<home>/pids.json` records the children that run now, so that a later `walflow down` finds what a kill -9 left behind.
// Written under another name first and then renamed: a kill in the middle of writing must not damage it.

import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ProcessIdentity, processOf } from './process-identity.ts';

export interface NotedChild extends ProcessIdentity {
  readonly name: string;
  /** The signals that end it, the gentlest first. */
  readonly stopSignals: readonly NodeJS.Signals[];
}

const pidFile = (home: string) => join(home, 'pids.json');

export class PidFile {
  readonly #home: string;
  readonly #children = new Map<number, NotedChild>();
  #writing: Promise<void> = Promise.resolve();

  constructor(home: string) {
    this.#home = home;
  }

  async add(child: Pick<NotedChild, 'name' | 'pid' | 'stopSignals'>): Promise<void> {
    const identity = await processOf(child.pid);
    if (identity === null) return;
    this.#children.set(child.pid, { name: child.name, ...identity, stopSignals: child.stopSignals });
    await this.#write();
  }

  async remove(pid: number): Promise<void> {
    if (this.#children.delete(pid)) await this.#write();
  }

  #write(): Promise<void> {
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(async () => {
        const file = pidFile(this.#home);
        await writeFile(`${file}.new`, `${JSON.stringify([...this.#children.values()], null, 2)}\n`);
        await rename(`${file}.new`, file);
      });
    return this.#writing;
  }
}

/** The recorded children; none when the file does not exist or cannot be read. */
export async function notedChildren(home: string): Promise<readonly NotedChild[]> {
  try {
    return JSON.parse(await readFile(pidFile(home), 'utf8'));
  } catch {
    return [];
  }
}

export async function forgetChildren(home: string): Promise<void> {
  await rm(pidFile(home), { force: true });
}
