import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lsnToHex, lsnToText, parseLsn } from '../../workflows/model/lsn.ts';

const lsn = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });

test('both text forms are read back exactly', () => {
  fc.assert(
    fc.property(lsn, (value) => {
      expect(parseLsn(lsnToHex(value))).toBe(value);
      expect(parseLsn(lsnToText(value))).toBe(value);
    }),
  );
});

test('the order of the hex form is the order of the log', () => {
  fc.assert(
    fc.property(lsn, lsn, (a, b) => {
      expect(lsnToHex(a) < lsnToHex(b)).toBe(a < b);
    }),
  );
});

test.each(['', '16/', '/B3', '16/B374D8489', 'g', '-1', '0x10', '12345678901234567'])('%j is refused', (text) => {
  expect(() => parseLsn(text)).toThrowError(expect.objectContaining({ code: 'LSN_INVALID' }));
});
