// Where a file stands: the folder list is the architecture, so the path alone says which rules a file obeys.

export type Zone =
  | 'model'
  | 'workflow'
  | 'station'
  | 'stage'
  | 'activity'
  | 'worker'
  | 'ops'
  | 'test'
  | 'example'
  | 'config';

/** Stations know one system's format or protocol; stages are what an activity does between stations. */
const STATIONS: ReadonlySet<string> = new Set(['wal', 'lake', 'warehouse']);
const STAGES: ReadonlySet<string> = new Set(['capture', 'landing', 'snapshot', 'merging', 'assets']);

/** @throws Error for a path outside the known folders: a new kind of folder needs rules first. */
export function zoneOf(path: string): Zone {
  if (path.startsWith('workflows/model/')) return 'model';
  if (path.startsWith('workflows/')) return 'workflow';
  if (path.startsWith('activities/')) return activityZone(path);
  if (path.startsWith('workers/')) return 'worker';
  if (path.startsWith('ops/')) return 'ops';
  if (path.startsWith('test/')) return 'test';
  if (path.startsWith('examples/')) return 'example';
  if (/^[\w.-]+\.config\.ts$/.test(path)) return 'config';
  throw new Error(`${path}: no zone is defined for this place`);
}

function activityZone(path: string): Zone {
  const [, folder = '', ...rest] = path.split('/');
  if (rest.length === 0) return 'activity';
  if (STATIONS.has(folder)) return 'station';
  if (STAGES.has(folder)) return 'stage';
  throw new Error(`${path}: activities/${folder} is neither a station nor a stage`);
}

/** The zones that make up the product; sizes and headers are measured there. */
export function isProduct(path: string): boolean {
  return ['model', 'workflow', 'station', 'stage', 'activity', 'worker'].includes(zoneOf(path));
}

export const SYSTEMS = ['postgres', 's3', 'duckdb', 'snowflake'] as const;

export type System = (typeof SYSTEMS)[number];

/** The system that a file or one of its folders is named after and may talk to; null for every other path. */
export function systemOf(path: string): System | null {
  const names = path.replace(/\.ts$/, '').split('/');
  return SYSTEMS.find((system) => names.includes(system)) ?? null;
}

/** The station or stage of a file: `activities/wal`. */
export function placeOf(path: string): string | null {
  return ['station', 'stage'].includes(zoneOf(path)) ? path.split('/').slice(0, 2).join('/') : null;
}

/** No I/O, no clock, no chance, no timers: bytes or text in, values out. SQL is text, also in a system's folder. */
export function isPure(path: string): boolean {
  const zone = zoneOf(path);
  return zone === 'model' || (zone === 'station' && (systemOf(path) === null || path.endsWith('-sql.ts')));
}
