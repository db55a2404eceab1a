// The answer to a query as JSON text, piece by piece: made at once, 32 MB would hold up everything else in the process, and be
// in memory twice for as long as the client takes to read them.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { QueryResult } from '../../activities/warehouse/query.ts';

const PIECE_LENGTH = 65_536;

/** The body of the answer, made as fast as it is read. */
export function queryAnswer(result: QueryResult): ReadableStream<Uint8Array> {
  const pieces = piecesOf(result);
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      await nextTurn();
      const piece = pieces.next();
      if (piece.done === true) controller.close();
      else controller.enqueue(encoder.encode(piece.value));
    },
  });
}

function* piecesOf({ columns, rows }: QueryResult): Generator<string, void> {
  let piece = `{"columns":${JSON.stringify(columns)},"rows":[`;
  let separator = '';
  for (const row of rows) {
    piece += separator + JSON.stringify(row);
    separator = ',';
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}]}`;
}
