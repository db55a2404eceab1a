// Reads an encoded file back by DuckDB: an independent implementation of the format says what is in it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll } from 'vitest';
import { freshFolder } from '../support/folder.ts';

export interface ParquetReader {
  /** Runs SQL in which `$file` stands for the file; values as DuckDB prints them, NULL as null. */
  query(bytes: Uint8Array, sql: string): Promise<Record<string, string | null>[]>;
}

/** One DuckDB for the calling test file. */
export function parquetReader(): ParquetReader {
  const folder = freshFolder();
  let instance: DuckDBInstance;
  let connection: DuckDBConnection;
  let files = 0;
  beforeAll(async () => {
    instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    connection = await instance.connect();
    await connection.run("set TimeZone = 'UTC'");
  });
  afterAll(() => {
    connection.closeSync();
    instance.closeSync();
  });
  return {
    query: async (bytes, sql) => {
      const path = join(folder, `${files++}.parquet`);
      writeFileSync(path, bytes);
      const asText = `select columns(*)::varchar from (${sql.replaceAll('$file', `'${path}'`)})`;
      const result = await connection.runAndReadAll(asText);
      return result.getRowObjectsJson() as Record<string, string | null>[];
    },
  };
}
