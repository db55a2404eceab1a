import { describe, expect, test } from 'vitest';
import { engineImportViolations, engineNameViolations } from './engine-rules.ts';

describe('imports of an engine', () => {
  const imports = (from: string, to: string) => engineImportViolations([{ from, to, typeOnly: false, line: 3 }]);

  test.each([
    ['activities/warehouse/duckdb/merge/merge.ts', 'activities/warehouse/duckdb/client.ts'],
    ['workers/warehouse-opener.ts', 'activities/warehouse/duckdb/client.ts'],
    ['test/warehouse/duckdb/warehouse.ts', 'activities/warehouse/duckdb/client.ts'],
    ['activities/merging/session.ts', 'activities/warehouse/merge-plan.ts'],
    ['activities/merge.ts', 'activities/warehouse/warehouse.ts'],
  ])('%s may import %s', (from, to) => {
    expect(imports(from, to)).toEqual([]);
  });

  test.each([
    ['activities/merging/session.ts', 'activities/warehouse/duckdb/client.ts'],
    ['activities/materialize.ts', 'activities/warehouse/duckdb/assets/assets.ts'],
    ['activities/warehouse/warehouse.ts', 'activities/warehouse/duckdb/client.ts'],
    ['activities/warehouse/snowflake/client.ts', 'activities/warehouse/duckdb/client.ts'],
    ['workers/status/verify.ts', 'activities/warehouse/duckdb/compare.ts'],
    ['workers/warehouse.ts', 'activities/warehouse/ducklake/client.ts'],
  ])('%s may not import %s', (from, to) => {
    expect(imports(from, to)).toHaveLength(1);
  });

  test('a type import is no way around the port', () => {
    const edge = { from: 'activities/resources.ts', to: 'activities/warehouse/duckdb/client.ts', line: 1 };
    expect(engineImportViolations([{ ...edge, typeOnly: true }])).toHaveLength(1);
  });
});

describe('names of engines', () => {
  const allowed = new Map([['workers/config/field.ts', 'words for a user']]);
  const field = { path: 'workers/config/field.ts', text: "kind: z.literal('duckdb')" };
  const named = (path: string, text: string) => engineNameViolations([field, { path, text }], allowed);

  test.each([
    ['workers/warehouse.ts', '// DuckDB folds its file here.'],
    ['activities/merge.ts', 'const owner: DuckDbOwner = open();'],
    ['workflows/model/errors.ts', "hint: 'duckdb ignores case'"],
    ['workers/cli/bin.js', '// Every DUCKDB statement holds a thread.'],
    ['activities/warehouse/merge-plan.ts', '// Snowflake stages it.'],
  ])('%s may not name one, in code or comment', (path, text) => {
    expect(named(path, `// A file.\n${text}\n`)).toEqual([expect.stringContaining(`${path}:2`)]);
  });

  test('an engine may name itself, tests and documents may name all, and so may who tells a user of them', () => {
    expect(named('activities/warehouse/duckdb/client.ts', 'DuckDB')).toEqual([]);
    expect(named('test/warehouse/lab.ts', 'DuckDB')).toEqual([]);
    expect(named('docs/decisions.md', 'DuckDB')).toEqual([]);
  });

  test('an exception that is needed no more is told', () => {
    expect(engineNameViolations([{ ...field, text: 'nothing' }], allowed)).toEqual([
      'workers/config/field.ts: may name engines and names none',
    ]);
    expect(engineNameViolations([], allowed)).toHaveLength(1);
  });
});
