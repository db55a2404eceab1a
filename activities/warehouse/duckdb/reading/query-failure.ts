// The failure of a query, as the reader hears it. The reader may see the data, so DuckDB's own message about the SQL is
// passed on.

import { WalflowError } from '../../../../workflows/model/errors.ts';
import { failureClass, firstLine, isOutOfMemory, warehouseFailure } from '../failure.ts';
import type { ReadEnd } from './watch.ts';

const ENDED: Readonly<Record<ReadEnd, () => WalflowError>> = {
  time: () => new WalflowError('QUERY_TIMEOUT', 'the query was interrupted because its time was over'),
  gone: () => new WalflowError('QUERY_TIMEOUT', 'the query was interrupted because its caller is gone'),
  memory: () => new WalflowError('QUERY_TOO_LARGE', 'the query takes more memory than a reader may'),
  disk: () => new WalflowError('QUERY_TOO_LARGE', 'the query takes more disk space than a reader may'),
  merge: () => new WalflowError('QUERY_BUSY', 'the query was interrupted because a merge needed its memory'),
};

/** @param end why the query was ended, if it was */
export function queryFailure(failure: unknown, end: ReadEnd | null): WalflowError {
  if (end !== null) return ENDED[end]();
  if (failure instanceof WalflowError) return failure;
  if (isOutOfMemory(failure)) return ENDED.memory();
  switch (failureClass(failure)) {
    case 'unknown':
    case 'IO':
      return warehouseFailure(failure);
    case 'Permission':
      return new WalflowError('QUERY_FORBIDDEN', firstLine(failure), { cause: failure });
    case 'TransactionContext':
      return new WalflowError('QUERY_NOT_READ_ONLY', firstLine(failure), { cause: failure });
    default:
      return new WalflowError('QUERY_INVALID', firstLine(failure), { cause: failure });
  }
}
