import { expect, test } from 'vitest';
import { ROWS, readOptions } from './options.ts';

test('everything is measured unless rows are named', () => {
  expect([...(readOptions([])?.rows ?? [])]).toEqual([...ROWS]);
  expect([...(readOptions(['--only', 'p1, P15'])?.rows ?? [])]).toEqual(['P1', 'P15']);
});

test('a quick run does less of everything', () => {
  const full = readOptions([])?.effort;
  const quick = readOptions(['--quick'])?.effort;
  for (const [figure, value] of Object.entries(quick ?? {})) {
    expect(value).toBeLessThan(full?.[figure as keyof typeof full] ?? 0);
  }
});

test('an unknown row is refused with the known ones', () => {
  expect(() => readOptions(['--only', 'P1,P99'])).toThrow('rows are P1, P2');
  expect(() => readOptions(['--fast'])).toThrow('--fast');
});

test('a soak takes half an hour at the rate of the demo unless told otherwise', () => {
  expect(readOptions([])?.soak).toBeNull();
  expect(readOptions(['--soak'])?.soak).toEqual({ minutes: 30, rowsPerSecond: 200 });
  const told = ['--soak', '--minutes', '5', '--rate', '0.001'];
  expect(readOptions(told)?.soak).toEqual({ minutes: 5, rowsPerSecond: 0.001 });
  expect(() => readOptions(['--soak', '--minutes', 'five'])).toThrow('--minutes five');
});

test('help wins over everything else', () => {
  expect(readOptions(['--help', '--only', 'P1'])).toBeNull();
});
