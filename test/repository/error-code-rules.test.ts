import { expect, test } from 'vitest';
import { untestedCodes, unusedCodes } from './error-code-rules.ts';
import { parseSourceModule } from './source-module.ts';

const modules = [
  parseSourceModule('workflows/model/errors.ts', "const table = ['NOWHERE'];"),
  parseSourceModule('workers/a.ts', "throw new WalflowError('THROWN', 'x'); // 'NOWHERE'"),
  parseSourceModule('test/a.test.ts', "expect(code).toBe('TESTED'); expect(code).not.toBe('NOWHERE');"),
];

test('a code that only the table, a comment or a test names is thrown nowhere', () => {
  expect(unusedCodes(['THROWN', 'NOWHERE'], modules)).toEqual(['NOWHERE: in the table, thrown nowhere']);
});

test('a code no test names is told', () => {
  expect(untestedCodes(['THROWN', 'TESTED'], modules)).toEqual(['THROWN: no test names it']);
});
