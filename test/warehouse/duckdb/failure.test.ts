import { expect, test } from 'vitest';
import {
  blamesData,
  failureClass,
  openFailure,
  safeText,
  warehouseFailure,
} from '../../../activities/warehouse/duckdb/failure.ts';
import { WalflowError } from '../../../workflows/model/errors.ts';

const conversion = new Error(`Conversion Error: Could not convert string 'a secret' to INT32\n\nLINE 1: …`);

test.each([
  [
    'IO Error: Could not write all bytes to file "w.duckdb": wanted=262144 wrote=12288: No space left on device',
    'WAREHOUSE_DISK_FULL',
  ],
  ['Out of Memory Error: failed to offload data block: max_temp_directory_size exceeded', 'WAREHOUSE_DISK_FULL'],
  ['Out of Memory Error: could not allocate block of size 256.0 KiB', 'WAREHOUSE_OUT_OF_MEMORY'],
  ['FATAL Error: Failed: database has been invalidated because of a previous fatal error', 'WAREHOUSE_INVALIDATED'],
  ['IO Error: something else', 'WAREHOUSE_FAILED'],
  ['no class at all', 'WAREHOUSE_FAILED'],
])('"%s" is %s', (text, code) => {
  expect(warehouseFailure(new Error(text)).code).toBe(code);
});

test('a file that does not open because its disk is full is no unreadable file', () => {
  expect(openFailure('/w.duckdb', new Error('IO Error: No space left on device')).code).toBe('WAREHOUSE_DISK_FULL');
  expect(
    openFailure('/w.duckdb', new Error('IO Error: Could not set lock on file "w": Conflicting lock')).message,
  ).toContain('another process');
});

test('a value that DuckDB quotes reaches no message', () => {
  expect(safeText(conversion)).toBe('Conversion error');
  expect(warehouseFailure(conversion).message).not.toContain('secret');
  expect(safeText(new Error('Binder Error: no column x\nLINE 1'))).toBe('Binder Error: no column x');
});

test('an error that is one of ours already stays what it is', () => {
  const failure = new WalflowError('WATERMARK_MOVED', 'moved');
  expect(warehouseFailure(failure)).toBe(failure);
});

test('only failures of data and shape are one table’s own', () => {
  expect(blamesData(conversion)).toBe(true);
  expect(blamesData(new Error('Invalid Input Error: No magic bytes found'))).toBe(true);
  for (const kind of ['IO', 'Out of Memory', 'TransactionContext', 'INTERRUPT', 'FATAL', 'INTERNAL']) {
    expect(blamesData(new Error(`${kind} Error: x`))).toBe(false);
  }
  expect(failureClass(new Error('Failed to extract statements: Parser Error: x'))).toBe('Parser');
});
