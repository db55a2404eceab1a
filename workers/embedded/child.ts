// One child process: started in a session of its own (Ctrl-C must reach only the parent, which stops its children in
// order), with its output in a log file, ready once it answers, stopped by ever stronger signals.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ignored, safely } from '../../workflows/model/callback.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { dyingWithParent } from './parent-death.ts';
import type { Identity } from './postgres-identity.ts';
import { RotatingLog } from './rotating-log.ts';

export interface ChildSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly logFile: string;
  /** User to run as; needs root. */
  readonly identity?: Identity;
  /** True once the child does its work; called repeatedly until then. */
  readonly ready: () => Promise<boolean>;
  readonly readyTimeoutMs: number;
  /** Files outside its folders that stay behind when it is killed. */
  readonly leaves?: readonly string[];
  /** First the gentlest signal, then stronger ones; SIGKILL always comes last. */
  readonly stopSignals: readonly [NodeJS.Signals, ...NodeJS.Signals[]];
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningChild {
  readonly name: string;
  readonly pid: number;
  /** Resolves, never rejects, when the process is gone. */
  readonly exited: Promise<ChildExit>;
  /** The last lines of its log. */
  tail(lines: number): string;
  /** Ends it within `boundMs`; the last quarter of that time is for SIGKILL. Safe to call twice. */
  stop(boundMs?: number): Promise<void>;
}

export interface StartOptions {
  /** Aborts the start; what was started is stopped. */
  readonly signal?: AbortSignal;
  /** Awaited before the first check whether the child is ready. */
  readonly onSpawn?: (child: RunningChild) => Promise<void>;
}

const READY_POLL_MS = 50;
const DEFAULT_STOP_BOUND_MS = 4_000;
const TAIL_LINES = 15;
const LAST_WORDS_MS = 500;

/**
 * Starts a child and waits until it is ready.
 * @throws WalflowError EMBEDDED_CHILD_CRASHED, with the end of its log, when it ends first or is not ready in time.
 */
export async function startChild(spec: ChildSpec, options: StartOptions = {}): Promise<RunningChild> {
  const { signal, onSpawn } = options;
  const child = await spawnChild(spec);
  await onSpawn?.(child);
  let exit: ChildExit | undefined;
  void child.exited.then((how) => {
    exit = how;
  });
  const deadlineMs = performance.now() + spec.readyTimeoutMs;
  for (;;) {
    const ready = await spec.ready().catch(() => false);
    // Checked after the probe: another program on the same port may have answered instead of the child.
    if (exit !== undefined) throw crashed(spec, child, `ended before it was ready (${exitText(exit)})`);
    if (signal?.aborted) {
      await child.stop();
      signal.throwIfAborted();
    }
    if (ready) return child;
    if (performance.now() > deadlineMs) {
      await child.stop();
      throw crashed(spec, child, `was not ready after ${spec.readyTimeoutMs / 1000} s`);
    }
    await sleep(READY_POLL_MS);
  }
}

/** The error for a child that ended without being stopped. */
export function crashed(spec: Pick<ChildSpec, 'name' | 'logFile'>, child: RunningChild, what: string): WalflowError {
  const tail = child.tail(TAIL_LINES);
  const log = tail === '' ? 'it wrote no log' : `the end of its log:\n${tail}\n`;
  return new WalflowError('EMBEDDED_CHILD_CRASHED', `${spec.name} ${what}; ${log}`, {
    hint: `read ${spec.logFile}`,
  });
}

export function exitText({ code, signal }: ChildExit): string {
  return signal === null ? `exit code ${code}` : signal;
}

async function spawnChild(spec: ChildSpec): Promise<RunningChild> {
  const log = new RotatingLog(spec.logFile);
  const [command, ...args] = await dyingWithParent([spec.command, ...spec.args], spec.stopSignals[0]);
  const child = spawn(command, args, {
    cwd: spec.cwd,
    env: { ...spec.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...spec.identity,
  });
  // A full disk costs lines of the log, not the program.
  const write = safely((chunk: Buffer) => log.write(chunk), ignored);
  child.stdout?.on('data', write);
  child.stderr?.on('data', write);
  child.once('close', () => log.close());
  const exited = exitOf(child).finally(() => {
    for (const file of spec.leaves ?? []) rmSync(file, { force: true });
  });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new WalflowError('EMBEDDED_CHILD_CRASHED', `${spec.name} could not be started: ${spec.command}`, { cause });
  }
  return {
    name: spec.name,
    pid: pidOf(child),
    exited,
    tail: (lines) => log.tail(lines),
    stop: (boundMs = DEFAULT_STOP_BOUND_MS) => stopBySignals(child, exited, spec.stopSignals, boundMs),
  };
}

/** Waits a moment for the last lines of output, but not for grandchildren that still hold the pipe. */
async function exitOf(child: ChildProcess): Promise<ChildExit> {
  const closed = once(child, 'close').catch(() => undefined);
  const [code, signal] = await once(child, 'exit').catch(() => [null, null]);
  await Promise.race([closed, sleep(LAST_WORDS_MS)]);
  return { code, signal };
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new WalflowError('INTERNAL', 'a spawned process has no pid');
  return child.pid;
}

async function stopBySignals(
  child: ChildProcess,
  exited: Promise<ChildExit>,
  signals: ChildSpec['stopSignals'],
  boundMs: number,
): Promise<void> {
  const stepMs = (boundMs * 0.75) / signals.length;
  for (const signal of signals) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    child.kill(signal);
    // The child itself keeps this process alive; the timer must not, once the child is gone.
    await Promise.race([exited, sleep(stepMs, undefined, { ref: false })]);
  }
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await exited;
}
