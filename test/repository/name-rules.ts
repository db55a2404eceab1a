// What files and folders are called, and what may lie at the top.

import { posix } from 'node:path';

const TOP_LEVEL = new Set([
  '.ci',
  '.gitattributes',
  '.gitignore',
  '.npmrc',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'LICENSE',
  'README.md',
  'activities',
  '.biome.json',
  'docker-compose.yml',
  'docs',
  'examples',
  '.knip.json',
  'ops',
  'package-lock.json',
  'package.json',
  'test',
  'tsconfig.json',
  'workers',
  'workflows',
]);

/** Names that say nothing about what is inside, so everything ends up there. */
const EMPTY_NAMES = new Set([
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'types',
  'misc',
  'shared',
  'stuff',
  'lib',
  'core',
  'base',
]);

const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*$/;
/** What may stand between the noun and `.ts`: the need of a test, or the word that makes a configuration. */
const SUFFIXES = /(\.(pg|s3|duckdb|temporal|e2e))?\.test\.ts$|\.config\.ts$|\.(ts|js)$/;
const CODE_FOLDERS = /^(workflows|activities|workers|examples|ops|test)\//;

/** Folders of tests that look at the whole, not at one folder of the sources. */
const WHOLE = new Set(['bad-input', 'bench', 'faults', 'replay', 'repository', 'support', 'upgrade']);
/** `npm run test:faults` runs these with the servers of the run, and nothing else. */
const FAULTS = /^test\/(faults|bad-input)\//;

export function topLevelViolations(paths: readonly string[]): readonly string[] {
  const entries = new Set(paths.map((path) => path.split('/')[0] ?? path));
  return [...entries].filter((entry) => !TOP_LEVEL.has(entry)).map((entry) => `${entry}: not a known top-level entry`);
}

export function nameViolations(paths: readonly string[]): readonly string[] {
  return paths.filter((path) => CODE_FOLDERS.test(path) && /\.(ts|js)$/.test(path)).flatMap(brokenNames);
}

/** Tests lie where their sources lie; all faults run in processes of their own. */
export function testPlaceViolations(paths: readonly string[]): readonly string[] {
  const folders = new Set(paths.filter((path) => !path.startsWith('test/')).map((path) => posix.dirname(path)));
  return paths
    .filter((path) => /^test\/.*\.test\.ts$/.test(path))
    .flatMap((path) => {
      const folder = posix.dirname(path).slice('test/'.length);
      const mirrored = ['', 'workflows/', 'activities/', 'workers/'].some((root) => folders.has(root + folder));
      if (folder !== '' && !mirrored && !WHOLE.has(folder)) return [`${path}: there is no ${folder} among the sources`];
      return FAULTS.test(path) && !path.endsWith('.e2e.test.ts') ? [`${path}: a fault is an .e2e. test`] : [];
    });
}

function brokenNames(path: string): readonly string[] {
  const [file = '', ...folders] = path.split('/').reverse();
  return [...folders, file.replace(SUFFIXES, '')].flatMap((name) => {
    if (!KEBAB.test(name)) return [`${path}: "${name}" is not kebab-case`];
    return EMPTY_NAMES.has(name) ? [`${path}: "${name}" says nothing about what is inside`] : [];
  });
}
