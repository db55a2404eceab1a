import { expect, test } from 'vitest';
import { bytesText, countText, durationText } from '../../workers/text/quantity.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [999.6, '1 kB'],
  [1_234_567, '1.2 MB'],
  [16_777_216, '17 MB'],
  [340e9, '340 GB'],
])('%d bytes read %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

test.each([
  [0, '0 ms'],
  [340.4, '340 ms'],
  [1_500, '1.5 s'],
  [60_000, '60 s'],
  [240_000, '4 min'],
  [3 * 3_600_000, '3 h'],
  [5 * 86_400_000, '5 d'],
])('%d milliseconds read %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test.each([
  [0, '0'],
  [1.25, '1.3'],
  [12_345.6, '12,346'],
])('the count %d reads %s', (value, text) => {
  expect(countText(value)).toBe(text);
});
