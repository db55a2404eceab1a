// How much a read may take of what it shares with merges, and what the engine uses now.

import type { ReadBounds } from '../../read-order.ts';
import type { DuckDbSession } from '../session.ts';

export interface EngineUse {
  /** Rows of tables that are kept in memory because they may be read again. */
  readonly cachedBytes: number;
  readonly spilledBytes: number;
}

/** A read is ended after it took more than this share: until then it can take half as much again. */
const SHARE_OF_MEMORY = 8;
/** Below that, what else happens in the process would end a small read. */
const LEAST_MEMORY_BYTES = 128 * 2 ** 20;
const SHARE_OF_DISK = 2;

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** From the engine's own limits. */
export async function readBounds(session: DuckDbSession): Promise<ReadBounds> {
  const rows = await session.rows<{ memory: string; disk: string }>(
    `select current_setting('memory_limit') as memory, current_setting('max_temp_directory_size') as disk`,
  );
  const { memory = '', disk = '' } = rows[0] ?? {};
  return {
    memoryBytes: Math.max(LEAST_MEMORY_BYTES, bytesOf(memory) / SHARE_OF_MEMORY),
    diskBytes: bytesOf(disk) / SHARE_OF_DISK,
  };
}

export async function engineUse(session: DuckDbSession): Promise<EngineUse> {
  const rows = await session.rows<{ cached: string; spilled: string }>(
    `select sum(memory_usage_bytes) filter (where tag = 'BASE_TABLE') as cached, sum(temporary_storage_bytes) as spilled
     from duckdb_memory()`,
  );
  return { cachedBytes: Number(rows[0]?.cached ?? 0), spilledBytes: Number(rows[0]?.spilled ?? 0) };
}

/** `953.6 MiB`, as DuckDB prints a size. */
function bytesOf(size: string): number {
  const [, number = '', unit = ''] = /^([\d.]+) (\w+)$/.exec(size) ?? [];
  return Math.floor(Number(number) * 1024 ** UNITS.indexOf(unit));
}
