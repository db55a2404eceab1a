import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configurationPage } from '../../ops/configuration-page.ts';

test('docs/configuration.md is what `npm run docs` writes', () => {
  const stored = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  expect(stored, 'run `npm run docs`').toBe(configurationPage());
});
