// Where a file stands: the folder list is the architecture, so the path alone says which rules a file obeys.

export type Zone = 'model' | 'workflow' | 'station' | 'activity' | 'worker' | 'ops' | 'test' | 'example' | 'config';

/** @throws Error for a path outside the known folders: a new kind of folder needs rules first. */
export function zoneOf(path: string): Zone {
  if (path.startsWith('workflows/model/')) return 'model';
  if (path.startsWith('workflows/')) return 'workflow';
  if (path.startsWith('activities/')) return path.split('/').length > 2 ? 'station' : 'activity';
  if (path.startsWith('workers/')) return 'worker';
  if (path.startsWith('ops/')) return 'ops';
  if (path.startsWith('test/')) return 'test';
  if (path.startsWith('examples/')) return 'example';
  if (/^[\w.-]+\.config\.ts$/.test(path)) return 'config';
  throw new Error(`${path}: no zone is defined for this place`);
}

/** The zones that make up the product; sizes and headers are measured there. */
export function isProduct(path: string): boolean {
  return ['model', 'workflow', 'station', 'activity', 'worker'].includes(zoneOf(path));
}

export const SYSTEMS = ['postgres', 's3', 'duckdb', 'snowflake'] as const;

export type System = (typeof SYSTEMS)[number];

/** The system a file is named after and may talk to: `postgres.ts`, `postgres-copy.ts`; null for every other name. */
export function systemOf(path: string): System | null {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return SYSTEMS.find((system) => name === `${system}.ts` || name.startsWith(`${system}-`)) ?? null;
}

/** The folder of a station file: `activities/wal`. */
export function stationOf(path: string): string | null {
  return zoneOf(path) === 'station' ? path.split('/').slice(0, 2).join('/') : null;
}

/** No I/O, no clock, no chance, no timers: bytes in, values out. */
export function isPure(path: string): boolean {
  const zone = zoneOf(path);
  return zone === 'model' || (zone === 'station' && systemOf(path) === null);
}
