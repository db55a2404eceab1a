import { expect, test } from 'vitest';
import { explainedViolations, importedDependencyViolations, versionViolations } from './dependency-rules.ts';
import { parseSourceModule } from './source-module.ts';

const imports = (path: string, text: string) =>
  importedDependencyViolations({ dependencies: { pg: '1.0.0', '@aws-sdk/client-s3': '1.0.0' } }, [
    parseSourceModule(path, text),
  ]);

test('product code imports only what is installed with the package', () => {
  expect(
    imports('workers/a.ts', "import 'pg'; import '@aws-sdk/client-s3/x'; import 'node:fs'; import './b.ts';"),
  ).toEqual([]);
  expect(imports('workers/a.ts', "import 'vitest';")).toEqual([
    'workers/a.ts:1 imports vitest, which is no dependency',
  ]);
  expect(imports('workers/a.ts', "import type { T } from 'vitest';")).toEqual([]);
  expect(imports('test/a.test.ts', "import 'vitest';")).toEqual([]);
});

test.each(['^1.2.3', '~1.2.3', '1.x', 'latest', '>=1.0.0'])('the range %s is refused', (version) => {
  expect(versionViolations({ pg: version })).toHaveLength(1);
});

test('an exact version, also of a pre-release, is accepted', () => {
  expect(versionViolations({ pg: '8.23.1', '@duckdb/node-api': '1.5.5-r.5' })).toEqual([]);
});

test('a dependency the page does not name is told', () => {
  const page = { path: 'docs/dependencies.md', text: '| `pg` | speaks to Postgres |' };
  expect(explainedViolations(['pg', 'tar'], page)).toEqual(['tar: not explained in docs/dependencies.md']);
});
