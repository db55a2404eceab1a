// Change files and chunks for merge tests, written by DuckDB's own COPY: independent of walflow's Parquet writer. They lie
// where the warehouse may read them, so the writer is their file source too.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { duckDbType } from '../../activities/warehouse/duckdb/type.ts';
import type { FileSource, LakeFile } from '../../activities/warehouse/file-source.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { lakeColumnName } from '../../workflows/model/lake-column.ts';
import { lsnToHex } from '../../workflows/model/lsn.ts';
import type { CaptureEntry, DataFile } from '../../workflows/model/manifest.ts';
import type { RelationColumn } from '../../workflows/model/relation.ts';

/** One change; a column missing from `row` was not carried, or, in a `d`, is not part of the key. */
export interface TestChange {
  readonly op: 'i' | 'u' | 'd' | 'r';
  readonly lsn: number;
  readonly ordinal: number;
  readonly row: Readonly<Record<string, string | null>>;
  readonly unchanged?: readonly string[];
  readonly moved?: boolean;
}

export const INT = 23;
export const TEXT = 25;
export const TIMESTAMPTZ = 1184;

/** A captured table; `columns` maps a name to its type OID. */
export function testEntry(
  table: string,
  columns: Readonly<Record<string, number | RelationColumn>>,
  keyColumns: readonly string[],
  id = 'snapshot-1',
): CaptureEntry {
  const [schema = '', name = ''] = table.split('.');
  return {
    table,
    schema,
    name,
    oid: 1,
    mode: keyColumns.length > 0 ? 'keyed' : 'append-only',
    keyColumns,
    columns: Object.entries(columns).map(([column, type]) =>
      typeof type === 'number' ? { name: column, typeOid: type, typeModifier: -1 } : type,
    ),
    replicaIdentity: keyColumns.length > 0 ? 'd' : 'n',
    schemaVersion: 'v1',
    snapshot: { id, r0Lsn: lsnToHex(0n), fromSeq: 1 },
  };
}

/** A change that carries every column it names. */
export const change = (op: TestChange['op'], lsn: number, ordinal: number, row: TestChange['row']): TestChange => ({
  ...{ op, lsn, ordinal, row },
});

/** An update whose column `doc` the log did not carry. */
export const kept = (lsn: number, ordinal: number, row: TestChange['row']): TestChange => ({
  ...change('u', lsn, ordinal, row),
  unchanged: ['doc'],
});

/** The same, as the second half of a key change. */
export const moved = (lsn: number, ordinal: number, row: TestChange['row']): TestChange => ({
  ...kept(lsn, ordinal, row),
  moved: true,
});

const text = (value: string | null | undefined) => (value == null ? 'NULL' : `'${value.replaceAll("'", "''")}'`);

export class ChangeFileWriter implements FileSource {
  /** Keys of files that cannot be read. */
  readonly damaged = new Set<string>();
  readonly #folder: string;
  #connection: Awaited<ReturnType<DuckDBInstance['connect']>> | null = null;
  #count = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes a file and counts what a manifest would say about it. */
  async write(entry: CaptureEntry, changes: readonly TestChange[]): Promise<DataFile> {
    this.#count += 1;
    const key = `${this.#count}.parquet`;
    const path = this.pathOf({ key });
    this.#connection ??= await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
    await this.#connection.run(`set TimeZone = 'UTC'`);
    await this.#connection.run(`copy (${selectSql(entry, changes)}) to '${path}' (format parquet, compression zstd)`);
    const bytes = readFileSync(path);
    const count = (op: string) => changes.filter((change) => change.op === op).length;
    const lsns = changes.map((change) => BigInt(change.lsn)).sort((a, b) => Number(a - b));
    return {
      key,
      rows: changes.length,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      minCommitLsn: lsnToHex(lsns[0] ?? 0n),
      maxCommitLsn: lsnToHex(lsns.at(-1) ?? 0n),
      minCommitTime: '2026-01-01T00:00:00.000000Z',
      maxCommitTime: '2026-01-01T00:00:00.000000Z',
      inserts: count('i'),
      updates: count('u'),
      deletes: count('d'),
      moved: changes.filter((change) => change.moved).length,
      unchangedColumns: [...new Set(changes.flatMap((change) => change.unchanged ?? []))],
    };
  }

  pathOf({ key }: Pick<LakeFile, 'key'>): string {
    return join(this.#folder, key);
  }

  async local(file: LakeFile): Promise<string> {
    if (this.damaged.has(file.key)) throw new WalflowError('DATA_FILE_DAMAGED', `${file.key} is damaged`);
    return this.pathOf(file);
  }
}

function selectSql(entry: CaptureEntry, changes: readonly TestChange[]): string {
  const rows = changes.map((change) => {
    const unchanged = change.unchanged?.length ? `[${change.unchanged.map(text).join(', ')}]` : 'NULL';
    const values = entry.columns.map((column) => text(change.row[column.name]));
    const own = [`'${change.op}'`, change.lsn, change.ordinal, unchanged, change.moved === true];
    return `(${[...own, ...values].join(', ')})`;
  });
  const columns = entry.columns.map(
    (column, i) => `v${i}::${duckDbType(column).name} as "${lakeColumnName(column.name).replaceAll('"', '""')}"`,
  );
  const own = `op as _op, lsn::BIGINT as _commit_lsn, ordinal::INT as _ordinal,
    (TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds(lsn)) as _commit_time, 1::BIGINT as _xid,
    unchanged::VARCHAR[] as _unchanged, moved as _moved`;
  const names = ['op', 'lsn', 'ordinal', 'unchanged', 'moved', ...entry.columns.map((_, i) => `v${i}`)];
  return `select ${[own, ...columns].join(', ')} from (values ${rows.join(', ')}) t(${names.join(', ')})`;
}
