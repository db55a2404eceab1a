// The table of errors is the manual: a code nobody throws misleads the reader, a code no test meets may never be met.

import type { SourceModule } from './source-module.ts';
import { isProduct, zoneOf } from './zone.ts';

const TABLE = 'workflows/model/errors.ts';

export function unusedCodes(codes: readonly string[], modules: readonly SourceModule[]): readonly string[] {
  const named = namedIn(modules.filter(({ path }) => isProduct(path) && path !== TABLE));
  return codes.filter((code) => !named.has(code)).map((code) => `${code}: in the table, thrown nowhere`);
}

export function untestedCodes(codes: readonly string[], modules: readonly SourceModule[]): readonly string[] {
  const named = namedIn(modules.filter(({ path }) => zoneOf(path) === 'test'));
  return codes.filter((code) => !named.has(code)).map((code) => `${code}: no test names it`);
}

function namedIn(modules: readonly SourceModule[]): ReadonlySet<string> {
  return new Set(modules.flatMap(({ strings }) => [...strings]));
}
