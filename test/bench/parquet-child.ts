// P5 in a process of its own: recorded messages → decoder → Parquet files of a given number of rows.

import { join } from 'node:path';
import { type MessageHandler, PgoutputDecoder } from '../../activities/wal/pgoutput.ts';
import type { Relation } from '../../workflows/model/relation.ts';
import { type ChangeWriter, csvWriter, encoderWriter } from './change-writer.ts';
import { answer, childInput } from './child-run.ts';
import { replayMessages } from './recorded-messages.ts';

export interface ParquetInput {
  readonly way: 'encoder' | 'csv';
  readonly messagesFile: string;
  readonly folder: string;
  readonly batchRows: number;
  readonly rows: number;
}

export interface ParquetResult {
  readonly rowsPerSecond: number;
  readonly bytesPerRow: number;
}

/** Compiles the hot paths: a long-running process spends its life after this. */
const WARM_UP_ROWS = 20_000;
const ignore = () => {};

const { way, messagesFile, folder, batchRows, rows } = childInput<ParquetInput>();
const path = join(folder, `${way}-${batchRows}.parquet`);
const relation = firstRelation();
const writer: ChangeWriter = way === 'encoder' ? encoderWriter(relation, path) : await csvWriter(relation, path);

let transaction: Parameters<ChangeWriter['begin']> = [0n, 0, 0];
let ordinal = 0;
let batched = 0;

const handler: MessageHandler = {
  ...{ commit: ignore, relation: ignore, truncate: ignore, update: ignore, delete: ignore, tooLarge: ignore },
  begin: (...begun) => {
    transaction = begun;
    ordinal = 0;
    writer.begin(...begun);
  },
  insert: (_relation, tuple) => {
    writer.insert(tuple, ordinal++);
    batched += 1;
  },
};
const decoder = new PgoutputDecoder(handler);
const decodeNext = replayMessages(messagesFile, (buffer, start, end) => decoder.decode(buffer, start, end));

await writeRows(Math.max(batchRows, WARM_UP_ROWS));
const startMs = performance.now();
const bytes = await writeRows(rows);
const seconds = (performance.now() - startMs) / 1000;
answer({ rowsPerSecond: rows / seconds, bytesPerRow: bytes / rows } satisfies ParquetResult);
writer.close();

/** Batches end where they are full, inside a transaction too: the next file goes on with it. */
async function writeRows(target: number): Promise<number> {
  let written = 0;
  for (let done = 0; done < target; done += batched) {
    batched = 0;
    writer.begin(...transaction);
    while (batched < Math.min(batchRows, target - done)) decodeNext();
    written += await writer.finish();
  }
  return written;
}

function firstRelation(): Relation {
  const described: Relation[] = [];
  const ignored: MessageHandler = {
    ...{ begin: ignore, commit: ignore, truncate: ignore, insert: ignore, update: ignore, delete: ignore },
    tooLarge: ignore,
    relation: (relation) => void described.push(relation),
  };
  const decoder = new PgoutputDecoder(ignored);
  const next = replayMessages(messagesFile, (buffer, start, end) => decoder.decode(buffer, start, end));
  for (;;) {
    next();
    if (described[0] !== undefined) return described[0];
  }
}
