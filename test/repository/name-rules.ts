// What files and folders are called, and what may lie at the top.

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

export function topLevelViolations(paths: readonly string[]): readonly string[] {
  const entries = new Set(paths.map((path) => path.split('/')[0] ?? path));
  return [...entries].filter((entry) => !TOP_LEVEL.has(entry)).map((entry) => `${entry}: not a known top-level entry`);
}

export function nameViolations(paths: readonly string[]): readonly string[] {
  return paths.filter((path) => CODE_FOLDERS.test(path) && /\.(ts|js)$/.test(path)).flatMap(brokenNames);
}

function brokenNames(path: string): readonly string[] {
  const [file = '', ...folders] = path.split('/').reverse();
  return [...folders, file.replace(SUFFIXES, '')].flatMap((name) => {
    if (!KEBAB.test(name)) return [`${path}: "${name}" is not kebab-case`];
    return EMPTY_NAMES.has(name) ? [`${path}: "${name}" says nothing about what is inside`] : [];
  });
}
