// A `walflow dev` as a user starts it, in a state folder and on ports of its own, and the commands run against it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { notedChildren } from '../../../workers/embedded/pid-file.ts';
import { freePorts } from '../../../workers/embedded/port.ts';
import { DEV_PORT_SETTINGS } from '../../support/dev-port.ts';
import { freshFolder } from '../../support/folder.ts';
import { stillRunning } from '../../support/process.ts';

const PROGRAM = fileURLToPath(new URL('../../../workers/cli/bin.js', import.meta.url));
/** First starts bundle the workflows and create a database, on a machine that runs all other tests too. */
export const START_MS = 150_000;

interface CommandResult {
  readonly code: number | null;
  readonly output: string;
}

export class DevHome {
  readonly folder = freshFolder();
  readonly home = join(this.folder, 'state');
  #env: NodeJS.ProcessEnv = {};
  #dev: ChildProcess | null = null;
  output = '';

  async choosePorts(): Promise<void> {
    const ports = await freePorts(DEV_PORT_SETTINGS.length);
    this.#env = { ...process.env, WALFLOW_HOME: this.home };
    for (const [i, setting] of DEV_PORT_SETTINGS.entries()) this.#env[setting] = String(ports[i]);
    delete this.#env.TEMPORAL_ADDRESS;
  }

  startDev(...args: readonly string[]): void {
    this.output = '';
    const dev = spawn(process.execPath, [PROGRAM, 'dev', ...args], { cwd: this.folder, env: this.#env });
    for (const stream of [dev.stdout, dev.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
    this.#dev = dev;
  }

  /** The exit code, and the processes that should be gone by then. */
  async stopDev(signal: NodeJS.Signals): Promise<{ code: number | null; left: readonly number[] }> {
    const pids = (await notedChildren(this.home)).map(({ pid }) => pid);
    const exited = this.#dev === null ? Promise.resolve([null]) : once(this.#dev, 'exit');
    this.#dev?.kill(signal);
    const [code] = await exited;
    this.#dev = null;
    return { code, left: await stillRunning(pids) };
  }

  /** In the terminal of `dev`. */
  walflow(...args: readonly string[]): Promise<CommandResult> {
    return this.#run(this.#env, args);
  }

  /** In a second terminal, where nothing but the state folder is known. */
  elsewhere(...args: readonly string[]): Promise<CommandResult> {
    const { PATH, HOME } = process.env;
    return this.#run({ PATH, HOME, WALFLOW_HOME: this.home }, args);
  }

  async #run(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<CommandResult> {
    const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: this.folder, env });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    const [code] = await once(child, 'close');
    return { code, output };
  }

  /** Waits until every table of the pipeline is live. */
  async live(tables: number): Promise<void> {
    await expect
      .poll(() => this.walflow('status', '--json').then(({ output }) => liveTables(output)), {
        timeout: START_MS,
        interval: 1_000,
        message: `all tables live; walflow dev said:\n${this.output}`,
      })
      .toBe(tables);
  }

  async kill(): Promise<void> {
    if (this.#dev !== null) await this.stopDev('SIGKILL');
    await this.walflow('down');
  }
}

function liveTables(output: string): number {
  try {
    const { pipelines } = JSON.parse(output) as { pipelines: { tables: { state: string }[] }[] };
    return pipelines.flatMap(({ tables }) => tables).filter(({ state }) => state === 'live').length;
  } catch {
    return -1;
  }
}
