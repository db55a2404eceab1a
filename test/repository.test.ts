// The house rules, applied to every file of the repository (docs/decisions.md says why they are what they are).
// Each rule is a function in test/repository/ with a test of its own that shows it can fail.

import { describe, expect, test } from 'vitest';
import { ERROR_RULES } from '../workflows/model/errors.ts';
import { readCheckout, readJson } from './repository/checkout.ts';
import {
  explainedViolations,
  importedDependencyViolations,
  type PackageJson,
  versionViolations,
} from './repository/dependency-rules.ts';
import { linkViolations, pathViolations, portViolations, scriptViolations } from './repository/document-rules.ts';
import { engineImportViolations, engineNameViolations, MAY_NAME_ENGINES } from './repository/engine-rules.ts';
import { untestedCodes, unusedCodes } from './repository/error-code-rules.ts';
import { importCycles, importGraph } from './repository/import-graph.ts';
import { exportViolations, layerViolations, packageViolations } from './repository/import-rules.ts';
import { nameViolations, testPlaceViolations, topLevelViolations } from './repository/name-rules.ts';
import { builtinViolations, globalViolations, timerViolations } from './repository/purity-rules.ts';
import { fileSizeViolations, functionSizeViolations } from './repository/size-rules.ts';
import { anyTypeViolations, commentViolations, headerViolations, skipViolations } from './repository/text-rules.ts';
import { lockViolations, traceViolations } from './repository/trace-rules.ts';
import { isProduct } from './repository/zone.ts';

const { paths, modules, documents, texts } = readCheckout();
const graph = importGraph(modules);
const product = modules.filter(({ path }) => isProduct(path));
const known = new Set(paths);
const manifest = readJson('package.json') as PackageJson;

/** Shows what is wrong instead of how many. */
function expectNone(violations: readonly string[]): void {
  expect(violations.join('\n')).toBe('');
}

describe('the guard sees the sources', () => {
  test('at least 30 modules of the product were parsed', () => {
    expect(product.length).toBeGreaterThanOrEqual(30);
  });

  test.each([
    { from: 'workflows/model/lsn.ts', to: 'workflows/model/errors.ts', typeOnly: false },
    { from: 'workflows/merge.ts', to: 'activities/index.ts', typeOnly: true },
    { from: 'activities/stream.ts', to: 'activities/wal/postgres/stream.ts', typeOnly: false },
    { from: 'examples/shop/walflow.config.ts', to: 'workflows/model/define.ts', typeOnly: false },
  ])('it found that $from imports $to', (edge) => {
    expect(graph.edges).toContainEqual(expect.objectContaining(edge));
  });
});

describe('who may import whom', () => {
  test('every relative import names a file', () => expectNone(graph.dangling));
  test('no arrow against the layers', () => expectNone(layerViolations(graph.edges)));
  test('an engine of a warehouse is known to its opener alone', () => expectNone(engineImportViolations(graph.edges)));
  test('no cycles, type imports included', () => expectNone(importCycles(graph.edges)));
  test('a client package only in the file named after its system', () => expectNone(packageViolations(modules)));
  test('no default exports, no barrels, no export *', () => expectNone(exportViolations(modules)));
});

describe('what a file may reach', () => {
  test('environment, exit and console only in workers', () => expectNone(globalViolations(modules)));
  test('what a timer calls cannot end the process', () => expectNone(timerViolations(product)));
  test('pure files do no I/O', () => expectNone(builtinViolations(modules)));
});

describe('what a file may name', () => {
  test('engines of warehouses only where a user is told of them', () =>
    expectNone(engineNameViolations(texts, MAY_NAME_ENGINES)));
});

describe('how files look', () => {
  test('files are short', () => expectNone(fileSizeViolations(product)));
  test('no file of the tests is beyond reading either', () => {
    expectNone(modules.filter(({ lines }) => lines > 400).map(({ path, lines }) => `${path}: ${lines} lines`));
  });
  test('functions are short', () => expectNone(functionSizeViolations(product)));
  test('a header says what a file is', () => expectNone(headerViolations(modules)));
  test('no any', () => expectNone(anyTypeViolations(modules)));
  test('no comment postpones work or silences the type checker', () => expectNone(commentViolations(modules)));
  test('no test is left out without a printed reason', () => expectNone(skipViolations(modules)));
  test('names are kebab-case nouns of the domain', () => expectNone(nameViolations(paths)));
  test('tests lie where their sources lie', () => expectNone(testPlaceViolations(paths)));
  test('nothing unknown lies at the top', () => expectNone(topLevelViolations(paths)));
});

describe('the table of errors', () => {
  const codes = Object.keys(ERROR_RULES);
  test('every code is thrown somewhere', () => expectNone(unusedCodes(codes, product)));
  test('every code is met by a test', () => expectNone(untestedCodes(codes, modules)));
});

describe('what documents promise', () => {
  test('every relative link leads somewhere', () => expectNone(linkViolations(documents, known)));
  test('every path named exists', () => expectNone(pathViolations(documents, known)));
  test('every npm script named exists', () =>
    expectNone(scriptViolations(documents, new Set(Object.keys(manifest.scripts)))));
  test('ports are the promised ones', () => expectNone(portViolations(documents)));
});

describe('what is depended on', () => {
  const all = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies };
  const page = documents.find(({ path }) => path === 'docs/dependencies.md') ?? {
    path: 'docs/dependencies.md',
    text: '',
  };
  test('product code imports only dependencies', () => expectNone(importedDependencyViolations(manifest, modules)));
  test('versions are exact', () => expectNone(versionViolations(all)));
  test('each one is explained', () => expectNone(explainedViolations(Object.keys(all), page)));
});

describe('what must not be left behind', () => {
  // The rules and their tests name what they look for.
  const searched = texts.filter(({ path }) => !path.startsWith('test/repository/'));
  test('no path of one machine, no address of one registry', () => expectNone(traceViolations(searched)));
  test('the lock pins content, not addresses', () => {
    const lock = readJson('package-lock.json') as { readonly packages: Parameters<typeof lockViolations>[0] };
    expectNone(lockViolations(lock.packages));
  });
});
