// Answers one query in a process that was started for it, with the least memory an engine can do with.

import { mkdirSync } from 'node:fs';
import type { QueryResult } from '../../query.ts';
import type { ReadOrder } from '../../read-order.ts';
import { CATALOG, lockingStatements, openInstance } from '../instance.ts';
import { answer, type Reader } from './answer.ts';
import { queryFailure } from './query-failure.ts';

/** What the engine counts; the rest is for what it does not count, and for the answer. */
const SHARE_OF_ENGINE = 0.4;

/** @throws WalflowError as the reader hears it */
export async function answerApart(order: ReadOrder, rows: Reader['rows']): Promise<QueryResult['columns']> {
  mkdirSync(order.spillFolder, { recursive: true });
  const instance = await openInstance({
    path: order.databasePath ?? ':memory:',
    access: order.databasePath === null ? 'write' : 'read',
    settings: {
      memory_limit: `${Math.floor(order.memoryBytes * SHARE_OF_ENGINE)} bytes`,
      max_temp_directory_size: `${Math.floor(order.diskBytes)} bytes`,
      temp_directory: order.spillFolder,
      threads: '1',
    },
  });
  const connection = await instance.connect();
  try {
    await connection.run(`use ${CATALOG}`);
    for (const statement of lockingStatements([])) await connection.run(statement);
    await connection.run('begin transaction read only');
    return await answer(connection, order, { rows, check: () => {} });
  } catch (failure) {
    throw queryFailure(failure, null);
  }
}
