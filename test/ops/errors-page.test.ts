import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorsPage } from '../../ops/errors-page.ts';
import { ERROR_RULES } from '../../workflows/model/errors.ts';

test('docs/errors.md is what `npm run docs` writes', () => {
  const stored = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  expect(stored, 'run `npm run docs`').toBe(errorsPage());
});

test('every code is listed once', () => {
  const listed = [...errorsPage().matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
  expect(listed.toSorted()).toEqual(Object.keys(ERROR_RULES).toSorted());
});
