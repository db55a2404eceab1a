// What DuckDB's error texts mean to walflow. DuckDB starts a message with its class (`Conversion Error: …`); some classes
// quote cell values, so their text never leaves the process: only the class does.

import { WalflowError } from '../../../workflows/model/errors.ts';

/** Classes whose text speaks of SQL and catalog only, never of values. */
const ABOUT_SQL = new Set(['Parser', 'Binder', 'Catalog', 'Syntax', 'Not implemented', 'Permission']);
/** Classes that blame the data or shape of the table being merged, not the machine or the process. */
const ABOUT_DATA = new Set([
  'Conversion',
  'Invalid Input',
  'Binder',
  'Catalog',
  'Out of Range',
  'Invalid Type',
  'Mismatch Type',
]);

/** The Node client puts a sentence of its own before DuckDB's when a text does not parse. */
const textOf = (failure: unknown) =>
  (failure instanceof Error ? failure.message : String(failure)).replace(/^Failed to extract statements: /, '');

/** `Conversion`, `IO`, `Binder`, … as DuckDB names it. */
export function failureClass(failure: unknown): string {
  return /^(?:Serialization )?([A-Za-z ]+?) Error: /.exec(textOf(failure))?.[1] ?? 'unknown';
}

/** DuckDB's sentence without the excerpt of the SQL below it. */
export function firstLine(failure: unknown): string {
  return textOf(failure).split('\n')[0] ?? '';
}

/** First line of DuckDB's message where that cannot hold a cell value, else only the class. */
export function safeText(failure: unknown): string {
  const kind = failureClass(failure);
  return ABOUT_SQL.has(kind) ? firstLine(failure) : `${kind} error`;
}

/** Is this failure the fault of one table's data, so that all other tables can go on without it? */
export function blamesData(failure: unknown): boolean {
  return ABOUT_DATA.has(failureClass(failure));
}

export function isInterrupt(failure: unknown): boolean {
  return failureClass(failure) === 'INTERRUPT';
}

/** Two transactions changed the same row. */
export function isConflict(failure: unknown): boolean {
  return /Conflict on|write-write conflict/i.test(textOf(failure));
}

/**
 * Why a warehouse file did not open.
 * @returns WAREHOUSE_LOCKED, WAREHOUSE_DISK_FULL, or WAREHOUSE_UNREADABLE for anything else.
 */
export function openFailure(path: string, failure: unknown): WalflowError {
  const text = textOf(failure);
  if (text.includes('Could not set lock')) {
    const pid = /PID (\d+)/.exec(text)?.[1];
    const holder = pid === undefined ? 'another process' : `process ${pid}`;
    return new WalflowError('WAREHOUSE_LOCKED', `${path} is in use by ${holder}`, { cause: failure });
  }
  if (isDiskFull(text)) return diskFull(failure);
  const why = firstLine(failure).replace(/^[A-Za-z ]+ Error: /, '');
  return new WalflowError('WAREHOUSE_UNREADABLE', `${path} does not open as a DuckDB file: ${why}`, { cause: failure });
}

/** The failure of a statement as a `WalflowError`; one that already is passes through. */
export function warehouseFailure(failure: unknown): WalflowError {
  if (failure instanceof WalflowError) return failure;
  const text = textOf(failure);
  if (isDiskFull(text)) return diskFull(failure);
  if (text.includes('has been invalidated')) {
    return new WalflowError('WAREHOUSE_INVALIDATED', 'DuckDB shut the warehouse file after a fatal error', {
      cause: failure,
    });
  }
  if (failureClass(failure) === 'Out of Memory') {
    return new WalflowError('WAREHOUSE_OUT_OF_MEMORY', 'DuckDB reached its memory limit', { cause: failure });
  }
  return new WalflowError('WAREHOUSE_FAILED', `DuckDB failed: ${safeText(failure)}`, { cause: failure });
}

function isDiskFull(text: string): boolean {
  return /No space left on device|not enough space|Disk quota exceeded|max_temp_directory_size/i.test(text);
}

function diskFull(failure: unknown): WalflowError {
  return new WalflowError('WAREHOUSE_DISK_FULL', 'the disk of the warehouse file or its temp directory is full', {
    cause: failure,
  });
}
