import { describe, expect, test } from 'vitest';
import { importCycles, importGraph } from './import-graph.ts';
import { exportViolations, layerViolations, packageViolations } from './import-rules.ts';
import { parseSourceModule } from './source-module.ts';

const parseAll = (files: Readonly<Record<string, string>>) =>
  Object.entries(files).map(([path, text]) => parseSourceModule(path, text));

/** The layer violations of one import, from one file to another. */
const layer = (from: string, to: string, statement: 'import' | 'import type' = 'import') => {
  const up = '../'.repeat(from.split('/').length - 1);
  return layerViolations(importGraph(parseAll({ [from]: `${statement} { x } from '${up}${to}';`, [to]: '' })).edges);
};

describe('layers', () => {
  test.each([
    ['workflows/model/lsn.ts', 'workflows/model/errors.ts'],
    ['workflows/merge.ts', 'workflows/model/lsn.ts'],
    ['workflows/merge.ts', 'workflows/messages.ts'],
    ['activities/wal/pgoutput.ts', 'workflows/model/relation.ts'],
    ['activities/wal/pgoutput.ts', 'activities/wal/byte-reader.ts'],
    ['activities/merge.ts', 'activities/wal/pgoutput.ts'],
    ['activities/merge.ts', 'activities/merging/session.ts'],
    ['activities/merging/session.ts', 'activities/warehouse/merge-plan.ts'],
    ['activities/landing/landing.ts', 'activities/landing/batch.ts'],
    ['activities/landing/landing.ts', 'activities/capture/capture.ts'],
    ['activities/wal/postgres/stream.ts', 'activities/wal/frames.ts'],
    ['workers/ingest.ts', 'activities/index.ts'],
    ['test/wal/pgoutput.test.ts', 'activities/wal/pgoutput.ts'],
  ])('%s may import %s', (from, to) => {
    expect(layer(from, to)).toEqual([]);
  });

  test.each([
    ['workflows/model/lsn.ts', 'workflows/messages.ts'],
    ['workflows/merge.ts', 'activities/index.ts'],
    ['workflows/merge.ts', 'activities/wal/pgoutput.ts'],
    ['activities/wal/pgoutput.ts', 'activities/lake/parquet/file.ts'],
    ['activities/wal/pgoutput.ts', 'activities/merge.ts'],
    ['activities/landing/landing.ts', 'activities/merging/session.ts'],
    ['activities/landing/landing.ts', 'activities/merge.ts'],
    ['activities/landing/landing.ts', 'activities/resources.ts'],
    ['activities/wal/pgoutput.ts', 'activities/capture/capture.ts'],
    ['activities/merge.ts', 'workers/config/load.ts'],
    ['workflows/merge.ts', 'workers/config/load.ts'],
    ['workers/config/load.ts', 'test/support/servers.ts'],
  ])('%s may not import %s', (from, to) => {
    expect(layer(from, to)).toHaveLength(1);
  });

  test('a workflow may name the types of activities', () => {
    expect(layer('workflows/merge.ts', 'activities/index.ts', 'import type')).toEqual([]);
  });

  test('a stage may name the types of what its activity was handed', () => {
    expect(layer('activities/landing/landing.ts', 'activities/resources.ts', 'import type')).toEqual([]);
  });

  test('a type import is no way around the layers', () => {
    expect(layer('activities/wal/pgoutput.ts', 'activities/lake/parquet/file.ts', 'import type')).toHaveLength(1);
    expect(layer('activities/merge.ts', 'workers/config/load.ts', 'import type')).toHaveLength(1);
  });
});

test('the name of the package stands for its public entry', () => {
  const { edges } = importGraph(
    parseAll({ 'examples/a/walflow.config.ts': "import 'walflow';", 'workflows/model/define.ts': '' }),
  );
  expect(edges).toMatchObject([{ to: 'workflows/model/define.ts' }]);
});

test('an import of a file that does not exist is told', () => {
  expect(importGraph(parseAll({ 'workers/a.ts': "import './b.ts';" })).dangling).toEqual([
    'workers/a.ts:1 imports ./b.ts, which does not exist',
  ]);
});

test('a cycle is told with its whole way, also when types close it', () => {
  const { edges } = importGraph(
    parseAll({
      'workers/a.ts': "import './b.ts';",
      'workers/b.ts': "import './c.ts';",
      'workers/c.ts': "import type { A } from './a.ts';",
    }),
  );
  expect(importCycles(edges)).toEqual(['workers/a.ts → workers/b.ts → workers/c.ts → workers/a.ts']);
});

test('two ways to one module are no cycle', () => {
  const { edges } = importGraph(
    parseAll({
      'workers/a.ts': "import './b.ts'; import './c.ts';",
      'workers/b.ts': "import './d.ts';",
      'workers/c.ts': "import './d.ts';",
      'workers/d.ts': '',
    }),
  );
  expect(importCycles(edges)).toEqual([]);
});

describe('packages', () => {
  const imports = (path: string, specifier: string) =>
    packageViolations(parseAll({ [path]: `import { x } from '${specifier}';` }));

  test.each([
    ['activities/wal/postgres/source.ts', 'pg'],
    ['activities/wal/postgres/stream.ts', 'pg-logical-replication'],
    ['activities/lake/s3/lake.ts', '@aws-sdk/client-s3'],
    ['activities/warehouse/duckdb/query.ts', '@duckdb/node-api'],
    ['workflows/merge.ts', '@temporalio/workflow'],
    ['workers/temporal/connection.ts', '@temporalio/worker'],
    ['test/wal/stream.pg.test.ts', 'pg'],
  ])('%s may import %s', (path, specifier) => {
    expect(imports(path, specifier)).toEqual([]);
  });

  test.each([
    ['activities/wal/pgoutput.ts', 'pg'],
    ['activities/landing/batch.ts', '@aws-sdk/client-s3'],
    ['activities/warehouse/merge-plan.ts', '@duckdb/node-api'],
    ['activities/warehouse/duckdb/client.ts', 'pg'],
    ['workers/resources.ts', 'pg-logical-replication'],
    ['workflows/model/lsn.ts', 'node:crypto'],
    ['workflows/merge.ts', 'node:crypto'],
    ['workflows/merge.ts', '@temporalio/client'],
    ['activities/merge.ts', '@temporalio/workflow'],
    ['activities/wal/pgoutput.ts', '@temporalio/activity'],
  ])('%s may not import %s', (path, specifier) => {
    expect(imports(path, specifier)).toHaveLength(1);
  });
});

describe('exports', () => {
  const exported = (path: string, text: string) => exportViolations(parseAll({ [path]: text }));

  test.each([
    'export default 1;',
    "export * from './a.ts';",
    "export { a } from './a.ts';",
    "export type { A } from './a.ts';",
  ])('%s is refused in a module', (text) => {
    expect(exported('workers/example.ts', text)).toHaveLength(1);
  });

  test('a configuration has a default export, the two lists forward', () => {
    expect(exported('examples/shop/walflow.config.ts', 'export default 1;')).toEqual([]);
    expect(exported('workflows/index.ts', "export { merge } from './merge.ts';")).toEqual([]);
  });

  test('not even a list forwards everything', () => {
    expect(exported('workflows/index.ts', "export * from './merge.ts';")).toHaveLength(1);
  });
});
