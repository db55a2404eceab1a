// The process of one query (reader-process.ts): gets its order, sends rows and then the end, and is ended from outside.

import type { QueryValue } from '../activities/warehouse/query.ts';
import type { ReadOrder } from '../activities/warehouse/read-order.ts';
import { safely } from '../workflows/model/callback.ts';
import { WalflowError } from '../workflows/model/errors.ts';
import type { ReaderMessage } from './reader-process.ts';
import { answerApart } from './warehouse-opener.ts';

const MEASURE_EVERY_MS = 10;
/** Rows in one message: reading it holds up everything else in the process that started this one. */
const ROWS_A_MESSAGE = 64;

const say = (message: ReaderMessage) => process.send?.(message);
const endAtOnce = () => process.kill(process.pid, 'SIGKILL');

process.once('disconnect', endAtOnce);
process.once('message', (order: ReadOrder) => void serve(order));

async function serve(order: ReadOrder): Promise<void> {
  const most = process.memoryUsage.rss() + order.memoryBytes;
  // What an engine builds within one step it neither counts nor interrupts.
  const measure = () => {
    if (process.memoryUsage.rss() > most) endAtOnce();
  };
  setInterval(safely(measure, endAtOnce), MEASURE_EVERY_MS);
  try {
    const columns = await answerApart(order, sendRows);
    say({ tag: 'answered', columns });
  } catch (failure) {
    const { code, message } =
      failure instanceof WalflowError ? failure : new WalflowError('INTERNAL', 'the query failed unexpectedly');
    say({ tag: 'failed', code, message });
  }
}

function sendRows(rows: readonly QueryValue[][]): void {
  for (let from = 0; from < rows.length; from += ROWS_A_MESSAGE) {
    say({ tag: 'rows', rows: rows.slice(from, from + ROWS_A_MESSAGE) });
  }
}
