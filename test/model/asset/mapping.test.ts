import { expect, test } from 'vitest';
import { resolveMapping } from '../../../workflows/model/asset/mapping.ts';
import type { Dimension, Partitions } from '../../../workflows/model/asset/partitioning.ts';
import { lastPartitions } from '../../../workflows/model/define.ts';

const day = { kind: 'daily', start: '2026-01-01', output: 'd' } as const;
const week = { kind: 'weekly', start: '2026-01-05', output: 'w' } as const;
const hour = { kind: 'hourly', start: '2026-01-01T00', timezone: 'Europe/Berlin', output: 'h' } as const;
const region = { kind: 'static', values: ['eu', 'us'], output: 'r' } as const;
const multi = (dimensions: Record<string, Dimension>): Partitions => ({ kind: 'multi', dimensions });
const both = multi({ day, region });
const same = { kind: 'same', start: 0, end: 0 } as const;
const all = { kind: 'all' } as const;
const window = { kind: 'same', start: -6, end: 0 } as const;

test.each([
  [
    'the same division without a word',
    both,
    both,
    undefined,
    [
      { ...same, at: 0 },
      { ...same, at: 1 },
    ],
  ],
  ['days to weeks', day, week, same, [{ ...same, at: 0 }]],
  ['a window', day, day, window, [{ ...window, at: 0 }]],
  ['the last of a week', day, day, lastPartitions(7), [{ ...window, at: 0 }]],
  ['the last one alone', day, day, lastPartitions(1), [{ ...same, at: 0 }]],
  [
    'each dimension by its name',
    multi({ region, day }),
    both,
    { day: window, region: same },
    [
      { ...window, at: 1 },
      { ...same, at: 0 },
    ],
  ],
  ['one of several to the only one', both, day, { day: same }, [{ ...same, at: 0 }]],
  ['the only one to one of several', day, both, { day: same }, [{ ...same, at: 0 }, all]],
  ['hours one to one', hour, hour, same, [{ ...same, at: 0 }]],
] as const)('maps %s', (_, from, to, mapping, dimensions) => {
  expect(resolveMapping(from, to, mapping)).toEqual({ tag: 'mapped', mapping: dimensions });
});

test.each([
  ['another division without a word', day, week, undefined],
  ['all partitions', day, day, all],
  ['all of another division', region, both, all],
  ['all of a time', both, both, { region: same }],
] as const)('reads as a whole: %s', (_, from, to, mapping) => {
  expect(resolveMapping(from, to, mapping)).toEqual({ tag: 'whole' });
});

test.each([
  ['one of several without its name', both, day, same, 'without naming one'],
  [
    'a dimension that only one has',
    both,
    multi({ day, size: region }),
    { size: same },
    'dimension size, which not both have',
  ],
  ['a dimension that none has', both, both, { dya: same }, 'dimension dya, which not both have'],
  ['values to days', region, day, same, 'maps static partitions to daily ones'],
  ['days of other zones', day, { ...day, timezone: 'Europe/Berlin' }, same, 'of another time zone'],
  ['days to hours of a zone', { ...day, timezone: 'Europe/Berlin' }, hour, same, 'whose clock may change'],
  ['a window over values', region, region, window, 'not by time'],
  ['a window that ends first', day, day, { kind: 'same', start: 1, end: 0 }, 'ends before it starts'],
] as const)('cannot map %s', (_, from, to, mapping, what) => {
  expect(resolveMapping(from, to, mapping)).toEqual({ tag: 'fault', what: expect.stringContaining(what) });
});
