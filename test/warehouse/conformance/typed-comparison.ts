// Values of every kind of column: as PostgreSQL prints them, and as they came by way of a change file.

import { describe, expect, test } from 'vitest';
import type { RelationColumn } from '../../../workflows/model/relation.ts';
import { INT, TEXT, testEntry } from '../change-files.ts';
import type { WarehouseLab } from '../lab.ts';
import { compareWith, equalIn } from './comparison.ts';

const numeric = (precision: number, scale: number): RelationColumn => ({
  name: 'v',
  typeOid: 1700,
  typeModifier: ((precision << 16) | scale) + 4,
});

/** Name, type, what the source prints, what the change file holds (in the words of the engine that wrote it). */
const CASES: readonly (readonly [string, number | RelationColumn, string, string])[] = [
  ['boolean', 16, 't', 'true'],
  ['bytea', 17, '\\xdeadbeef00', '\\xDE\\xAD\\xBE\\xEF\\x00'],
  ['empty bytea', 17, '\\x', ''],
  ['bigint', 20, '9223372036854775807', '9223372036854775807'],
  ['real NaN', 700, 'NaN', 'nan'],
  ['double', 701, '1e-320', '1e-320'],
  ['double infinity', 701, '-Infinity', '-inf'],
  ['numeric', numeric(20, 5), '-0.10000', '-0.1'],
  ['wide numeric', { name: 'v', typeOid: 1700, typeModifier: -1 }, '1.000', '1.000'],
  ['json', 114, '"{ ""a"": 1e400 }"', '{ "a": 1e400 }'],
  ['date BC', 1082, '0044-03-15 BC', '0044-03-15 (BC)'],
  ['date infinity', 1082, 'infinity', 'infinity'],
  ['time', 1083, '24:00:00', '24:00:00'],
  ['timestamp BC', 1114, '0044-03-15 10:00:00.5 BC', '0044-03-15 (BC) 10:00:00.5'],
  ['timestamptz', 1184, '12026-01-01 00:00:00+00', '12026-01-01 00:00:00+00'],
  ['timestamptz infinity', 1184, '-infinity', '-infinity'],
  ['uuid', 2950, '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000001'],
];

export function typedComparison(lab: WarehouseLab): void {
  let pipelines = 0;

  async function given(type: number | RelationColumn, v: string | null, more: Readonly<Record<string, number>> = {}) {
    pipelines += 1;
    const entry = testEntry(`typed${pipelines}.cells`, { id: INT, v: type, ...more }, ['id']);
    const rest = Object.fromEntries(Object.keys(more).map((name) => [name, null]));
    await lab.goLive(`typed${pipelines}`, 100, entry, [{ id: '1', v, ...rest }]);
    return entry;
  }

  describe('a value', () => {
    test.each(CASES)('that is a %s is equal to itself and to nothing else', async (_, type, printed, stored) => {
      const entry = await given(type, stored);
      expect(await compareWith(lab, entry, `1,${printed}\n`)).toEqual(equalIn(1));
      expect(await compareWith(lab, entry, '1,\n')).toMatchObject({ differingCount: 1 });
    });

    test('that has no counterpart makes the table not comparable, never equal', async () => {
      const entry = await given(numeric(5, 2), null, { w: 17 });
      const comparison = await compareWith(lab, entry, '1,NaN,\n');
      expect(comparison).toMatchObject({ tag: 'not-comparable', reason: expect.stringContaining('1 values of v') });
      expect(await compareWith(lab, entry, '1,,nothex\n')).toMatchObject({ tag: 'not-comparable' });
      expect(await compareWith(lab, entry, '1,,\\xzz\n')).toMatchObject({ tag: 'not-comparable' });
      expect(await compareWith(lab, entry, '1,2\n')).toMatchObject({ tag: 'not-comparable' });
    });

    test('of thirty megabytes is compared', async () => {
      const entry = await given(TEXT, 'x'.repeat(30_000_000));
      expect(await compareWith(lab, entry, `1,${'x'.repeat(30_000_000)}\n`)).toEqual(equalIn(1));
    });
  });
}
