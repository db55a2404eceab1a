// Messages of a slot, kept in a file so that encoders can be measured without a server: each with its length in front.

import { readFileSync, writeFileSync } from 'node:fs';
import type pg from 'pg';

const LENGTH_BYTES = 4;

/** Records whole transactions until there are `changes` messages or more; the slot does not move. */
export async function recordMessages(
  client: pg.Client,
  from: { readonly slot: string; readonly publication: string; readonly changes: number },
  file: string,
): Promise<void> {
  const { rows } = await client.query<{ data: Buffer }>(
    `select data from pg_logical_slot_peek_binary_changes($1, null, $2, 'proto_version', '1', 'publication_names', $3)`,
    [from.slot, from.changes, from.publication],
  );
  const parts = rows.flatMap(({ data }) => {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(data.length);
    return [length, data];
  });
  writeFileSync(file, Buffer.concat(parts));
}

/** The recorded messages, over and over: each call decodes one. */
export function replayMessages(file: string, decode: (buffer: Buffer, start: number, end: number) => void): () => void {
  const buffer = readFileSync(file);
  let at = 0;
  return () => {
    const start = at + LENGTH_BYTES;
    const end = start + buffer.readUInt32LE(at);
    at = end < buffer.length ? end : 0;
    decode(buffer, start, end);
  };
}
