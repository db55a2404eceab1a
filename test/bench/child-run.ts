// Runs one measured piece in a Node process of its own, so that no run profits or suffers from what an earlier one left in
// the heap or taught the compiler. The child prints one line of JSON when it is done.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The scripts beside this file that can be run. */
export type ChildScript = 'decode-child' | 'obvious-child' | 'parquet-child';

export interface ChildOutcome<T> {
  readonly result: T;
  /** `performance.now()` of this process when the result came. */
  readonly atMs: number;
}

export async function runChild<T>(script: ChildScript, input: object, signal: AbortSignal): Promise<ChildOutcome<T>> {
  const path = fileURLToPath(new URL(`${script}.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--no-warnings', path, JSON.stringify(input)], {
    signal,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  let atMs = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    atMs = performance.now();
    output += chunk;
  });
  const [code, killedBy] = await once(child, 'close');
  if (code !== 0) throw new Error(`${script} ended with ${killedBy ?? `exit code ${code}`}`);
  return { result: JSON.parse(output) as T, atMs };
}

/** In the child: what it was started with. */
export function childInput<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T;
}

/** In the child: the one line. */
export function answer(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
