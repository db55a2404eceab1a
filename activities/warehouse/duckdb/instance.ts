// An engine with one file attached. Its settings are locked, and it may read only the folders named, so no statement can reach
// other files or the network.

import { resolve } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { filePattern } from './file-sql.ts';
import { literal } from './identifier.ts';
import { decodeExactly } from './text-decoder.ts';

/**
 * The name of the attached file. By default it would be the file's own name, which could also be that of a schema. A schema
 * of PostgreSQL cannot begin with `pg_`.
 */
export const CATALOG = 'pg_walflow';

/** The schema of a table that a query names without one. */
export const DEFAULT_SCHEMA = 'main';

export interface InstanceOptions {
  /** The database file; its folder exists. */
  readonly path: string;
  readonly access: 'write' | 'read';
  /** `memory_limit`, `threads`, `temp_directory`, … */
  readonly settings: Readonly<Record<string, string>>;
}

/** @throws what the engine throws when it cannot open the file */
export async function openInstance({ path, access, settings }: InstanceOptions): Promise<DuckDBInstance> {
  decodeExactly();
  const instance = await DuckDBInstance.create(':memory:', { ...settings });
  let connection: DuckDBConnection | null = null;
  try {
    connection = await instance.connect();
    await connection.run(
      `attach ${literal(path)} as ${CATALOG} (type duckdb${access === 'read' ? ', read_only' : ''})`,
    );
    await connection.run(`use ${CATALOG}`);
    // The name of the initial database would be taken too. Every connection begins with `use`.
    await connection.run('detach memory');
    return instance;
  } catch (failure) {
    instance.closeSync();
    throw failure;
  } finally {
    connection?.closeSync();
  }
}

/** What locks an engine. The order matters: once the configuration is locked, nothing can be set. */
export function lockingStatements(readableFolders: readonly string[]): readonly string[] {
  const readable = readableFolders.map((folder) => `${resolve(folder)}/`);
  // DuckDB checks both a file's pattern and its name.
  const allowed = [...readable, ...readable.map(filePattern)].map(literal).join(', ');
  return [
    `set global TimeZone = 'UTC'`,
    `set global allowed_directories = [${allowed}]`,
    'set global autoinstall_known_extensions = false',
    'set global autoload_known_extensions = false',
    'set global enable_external_access = false',
    'set global lock_configuration = true',
  ];
}
