// The two ways into a Parquet file that P5 compares. Same rows, same codec and level, same disk.

import { closeSync, ftruncateSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';
import { ChangeFileEncoder } from '../../activities/lake/change-file.ts';
import { duckDbType } from '../../activities/warehouse/duckdb/type.ts';
import { type Relation, tableId } from '../../workflows/model/relation.ts';
import type { Tuple } from '../../workflows/model/tuple.ts';

/** Takes inserts of one table and closes them into one file after the other. */
export interface ChangeWriter {
  begin(commitLsn: bigint, commitTimeUs: number, xid: number): void;
  insert(tuple: Tuple, ordinal: number): void;
  /** Size of the file. */
  finish(): Promise<number>;
  close(): void;
}

export function encoderWriter(relation: Relation, path: string): ChangeWriter {
  const table = tableId(relation.schema, relation.name);
  const encoder = new ChangeFileEncoder({ ...relation, table, mode: 'keyed', keyColumns: ['id'] });
  return {
    begin: (commitLsn, commitTimeUs, xid) => encoder.beginTransaction(commitLsn, commitTimeUs, xid),
    insert: (tuple, ordinal) => encoder.append('i', ordinal, false, tuple),
    finish: async () => {
      const { bytes } = await encoder.finish();
      writeFileSync(path, bytes);
      encoder.reset();
      return bytes.length;
    },
    close: () => {},
  };
}

const SPOOL_BYTES = 1 << 22;
/** More than any row of the workload. */
const ROW_ROOM = 1 << 16;
const QUOTE = 0x22;
const COMMA = 0x2c;
const NEWLINE = 0x0a;
const OWN_COLUMNS = [
  ...["'_op': 'VARCHAR'", "'_commit_lsn': 'BIGINT'", "'_ordinal': 'INTEGER'"],
  ...["'_commit_time': 'BIGINT'", "'_xid': 'BIGINT'"],
];

/** Bytes of the log into a CSV spool; DuckDB reads it with declared types and writes the file. */
export async function csvWriter(relation: Relation, path: string): Promise<ChangeWriter> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`set TimeZone = 'UTC'`);
  const file = openSync(`${path}.csv`, 'w+');
  const out = Buffer.allocUnsafe(SPOOL_BYTES);
  let at = 0;
  let spooled = 0;
  let before = '';
  let behind = '';
  const drain = () => {
    writeSync(file, out, 0, at, spooled);
    spooled += at;
    at = 0;
  };
  return {
    begin: (commitLsn, commitTimeUs, xid) => {
      before = `i,${commitLsn},`;
      behind = `,${commitTimeUs},${xid}`;
    },
    insert: (tuple, ordinal) => {
      if (at > SPOOL_BYTES - ROW_ROOM) drain();
      at += out.write(`${before}${ordinal}${behind}`, at, 'latin1');
      at = writeFields(out, at, tuple);
    },
    finish: async () => {
      drain();
      ftruncateSync(file, spooled);
      spooled = 0;
      await connection.run(copySql(relation, path));
      return statSync(path).size;
    },
    close: () => closeSync(file),
  };
}

function copySql(relation: Relation, path: string): string {
  const columns = relation.columns.map((column) => `'${column.name}': '${duckDbType(column).name}'`);
  return `copy (
      select * replace (make_timestamptz(_commit_time) as _commit_time) from read_csv('${path}.csv', header = false,
        auto_detect = false, delim = ',', quote = '"', escape = '"', new_line = '\\n', nullstr = '',
        allow_quoted_nulls = false, columns = {${[...OWN_COLUMNS, ...columns]}})
    ) to '${path}' (format parquet, compression zstd, compression_level 1)`;
}

function writeFields(out: Buffer, start: number, { buffer, starts, lengths, count }: Tuple): number {
  let at = start;
  for (let i = 0; i < count; i++) {
    out[at++] = COMMA;
    const length = lengths[i] as number;
    if (length < 0) continue;
    out[at++] = QUOTE;
    const from = starts[i] as number;
    for (let p = from; p < from + length; p++) {
      const byte = buffer[p] as number;
      out[at++] = byte;
      if (byte === QUOTE) out[at++] = QUOTE;
    }
    out[at++] = QUOTE;
  }
  out[at++] = NEWLINE;
  return at;
}
