// Starts a process for one query of a reader, with a low priority: merges go first, and it is
// ended when the time is over, when its caller is gone, or when it takes too much memory.

import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { setPriority } from 'node:os';
import type { QueryResult, QueryValue } from '../activities/warehouse/query.ts';
import type { ReadOrder } from '../activities/warehouse/read-order.ts';
import { type ErrorCode, WalflowError } from '../workflows/model/errors.ts';

/** What the process says, in this order; `answered` or `failed` is the last. */
export type ReaderMessage =
  | { readonly tag: 'rows'; readonly rows: readonly QueryValue[][] }
  | { readonly tag: 'answered'; readonly columns: QueryResult['columns'] }
  | { readonly tag: 'failed'; readonly code: ErrorCode; readonly message: string };

/** About a third of the processor time of a process without one, where there is not enough for both. */
const NICENESS = 5;

/** A checkout has the first, a package the second. */
const SOURCE = new URL('./reader.ts', import.meta.url);
const BUILT = new URL('./reader.js', import.meta.url);

/** An `ReadApart`. */
export async function readApart(order: ReadOrder, signal: AbortSignal): Promise<QueryResult> {
  signal.throwIfAborted();
  // Neither the flags nor the environment of this process: it holds secrets.
  const child = fork(existsSync(SOURCE) ? SOURCE : BUILT, {
    execArgv: [],
    env: { NODE_COMPILE_CACHE: getCompileCacheDir() },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const end = () => child.kill('SIGKILL');
  signal.addEventListener('abort', end, { once: true });
  try {
    return await answerOf(child, order);
  } catch (failure) {
    signal.throwIfAborted();
    throw failure;
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

function answerOf(child: ChildProcess, order: ReadOrder): Promise<QueryResult> {
  return new Promise((resolve, reject) => {
    const rows: QueryValue[][] = [];
    child.on('message', (message: ReaderMessage) => {
      switch (message.tag) {
        case 'rows':
          rows.push(...message.rows);
          break;
        case 'answered':
          resolve({ columns: message.columns, rows });
          break;
        case 'failed':
          reject(new WalflowError(message.code, message.message));
      }
    });
    child.on('error', reject);
    child.once('exit', () => reject(ended(order)));
    if (child.pid !== undefined) setPriority(child.pid, NICENESS);
    child.send(order, (failure) => {
      if (failure !== null) reject(failure);
    });
  });
}

/** It ends itself, by the only signal that nothing can hold up. */
function ended({ memoryBytes }: ReadOrder): WalflowError {
  const megabytes = Math.round(memoryBytes / 2 ** 20);
  return new WalflowError(
    'QUERY_TOO_LARGE',
    `the query takes more than the ${megabytes} MB of memory a reader may take`,
  );
}
