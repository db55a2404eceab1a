// The answers to queries as JSON text, in pieces: made in one step, 32 MB would hold up everything else in the process. Pieces
// that nobody reads are bounded together, so that clients which ask and then do not read cannot fill the memory.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { QueryResult } from '../../activities/warehouse/query.ts';
import { WalflowError } from '../../workflows/model/errors.ts';

const PIECE_LENGTH = 65_536;
/** Three of the largest answers. */
const MOST_UNREAD_BYTES = 96 * 2 ** 20;

export class QueryAnswers {
  readonly #mostUnreadBytes: number;
  #unreadBytes = 0;

  constructor(mostUnreadBytes = MOST_UNREAD_BYTES) {
    this.#mostUnreadBytes = mostUnreadBytes;
  }

  /**
   * The body of an answer; each piece is let go as it is read, all of them once the signal aborts.
   * @throws WalflowError QUERY_BUSY
   */
  async body(result: QueryResult, gone: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const pieces: Uint8Array[] = [];
    const drop = () => {
      for (const { byteLength } of pieces.splice(0)) this.#unreadBytes -= byteLength;
    };
    const encoder = new TextEncoder();
    for (const text of piecesOf(result)) {
      const piece = encoder.encode(text);
      pieces.push(piece);
      this.#unreadBytes += piece.byteLength;
      if (this.#unreadBytes > this.#mostUnreadBytes) {
        drop();
        throw new WalflowError('QUERY_BUSY', 'too many answers wait to be read by those who asked');
      }
      await nextTurn();
    }
    gone.addEventListener('abort', drop, { once: true });
    if (gone.aborted) drop();
    return new ReadableStream({
      pull: (controller) => {
        const piece = pieces.shift();
        if (piece === undefined) {
          gone.removeEventListener('abort', drop);
          // ⚠ An answer that was dropped must not look like one that ended.
          if (gone.aborted) controller.error(gone.reason);
          else controller.close();
          return;
        }
        this.#unreadBytes -= piece.byteLength;
        controller.enqueue(piece);
      },
      cancel: drop,
    });
  }
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
