// P1 in a process of its own: log → decoded rows, counted and dropped.

import { type MessageHandler, PgoutputDecoder } from '../../activities/wal/pgoutput.ts';
import { openReplicationStream } from '../../activities/wal/postgres/stream.ts';
import { answer, childInput } from './child-run.ts';

export interface DecodeInput {
  readonly url: string;
  readonly slot: string;
  readonly publication: string;
  /** Ends when this many were decoded. */
  readonly rows: number;
}

export interface DecodeResult {
  readonly rows: number;
  readonly cpuSeconds: number;
}

/** As the streaming activity sets it. */
const COALESCE_MS = 8;
const MAX_ROW_BYTES = 256 * 1024 * 1024;

const { url, slot, publication, rows } = childInput<DecodeInput>();
const all = Promise.withResolvers<void>();
let counted = 0;
const count = () => {
  counted += 1;
  if (counted === rows) all.resolve();
};
const ignore = () => {};
const handler: MessageHandler = {
  ...{ begin: ignore, commit: ignore, relation: ignore, truncate: ignore },
  ...{ insert: count, update: count, delete: count, tooLarge: ignore },
};
const decoder = new PgoutputDecoder(handler);
const stream = await openReplicationStream({
  ...{
    url,
    slot,
    applicationName: 'walflow bench',
    publications: [publication],
    startLsn: 0n,
    coalesceMs: COALESCE_MS,
  },
  decode: (buffer, offset, end) => decoder.decode(buffer, offset, end),
  onKeepalive: ignore,
  onLargeChange: ignore,
  maxRowBytes: MAX_ROW_BYTES,
  settledLsn: () => 0n,
});
await Promise.race([all.promise, stream.closed]);
const { user, system } = process.cpuUsage();
answer({ rows: counted, cpuSeconds: (user + system) / 1e6 } satisfies DecodeResult);
await stream.stop();
