// Turns DuckDB's errors into walflow's. A message of DuckDB begins with its class (`Conversion Error: …`). Messages of some
// classes quote values of cells, so of these only the class leaves the process.

import { WalflowError } from '../../../workflows/model/errors.ts';

/** Classes whose text is only about SQL and catalog, never about values. */
const ABOUT_SQL = new Set(['Parser', 'Binder', 'Catalog', 'Syntax', 'Not implemented', 'Permission']);
/** Classes caused by the data or shape of the table being merged, not by the machine or the process. */
const ABOUT_DATA = new Set([
  'Conversion',
  'Invalid Input',
  'Binder',
  'Catalog',
  'Out of Range',
  'Invalid Type',
  'Mismatch Type',
]);

/** When SQL does not parse, the Node client puts a sentence of its own before DuckDB's. */
const textOf = (failure: unknown) =>
  (failure instanceof Error ? failure.message : String(failure)).replace(/^Failed to extract statements: /, '');

/** `Conversion`, `IO`, `Binder`, … as DuckDB names it. */
export function failureClass(failure: unknown): string {
  return /^(?:Serialization )?([A-Za-z ]+?) Error: /.exec(textOf(failure))?.[1] ?? 'unknown';
}

/** DuckDB's message without the excerpt of the SQL below it. */
export function firstLine(failure: unknown): string {
  return textOf(failure).split('\n')[0] ?? '';
}

/** First line of DuckDB's message if it cannot contain a value of a cell, else only the class. */
export function safeText(failure: unknown): string {
  const kind = failureClass(failure);
  return ABOUT_SQL.has(kind) ? firstLine(failure) : `${kind} error`;
}

/** Is the data of one table the cause, so that all other tables can go on without it? */
export function blamesData(failure: unknown): boolean {
  return ABOUT_DATA.has(failureClass(failure));
}

/** DuckDB reached its `memory_limit` and could not spill. */
export function isOutOfMemory(failure: unknown): boolean {
  return failureClass(failure) === 'Out of Memory';
}

/** Two transactions changed the same row. */
export function isConflict(failure: unknown): boolean {
  return /Conflict on|write-write conflict/i.test(textOf(failure));
}

/**
 * The failure to open a warehouse file, as a `WalflowError`.
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

/** The failure of a statement as a `WalflowError`; one that is already passes through. */
export function warehouseFailure(failure: unknown): WalflowError {
  if (failure instanceof WalflowError) return failure;
  const text = textOf(failure);
  if (isDiskFull(text)) return diskFull(failure);
  if (text.includes('has been invalidated')) {
    return new WalflowError('WAREHOUSE_INVALIDATED', 'DuckDB closed the warehouse file after a fatal error', {
      cause: failure,
    });
  }
  if (isOutOfMemory(failure)) {
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
