// What `npm pack` makes, installed as a stranger would: in an empty folder, without the development dependencies.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { trackedPaths } from './repository/checkout.ts';
import { freshFolder } from './support/folder.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Building and installing take as long as the disk and the registry do. */
const SETUP_TIMEOUT_MS = 600_000;

const folder = freshFolder();
const project = join(folder, 'project');
// The Node that runs the tests, for npm and for the command as well.
const env = { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter), NO_COLOR: '1' };

/** Packs a copy of the checkout: a build in place would show half a dist folder to tests beside this one. */
function packCopy(): string {
  const copy = join(folder, 'checkout');
  for (const path of trackedPaths()) cpSync(join(ROOT, path), join(copy, path));
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: copy, env, stdio: 'pipe' });
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? 'no package');
}

function install(archive: string): void {
  mkdirSync(project);
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--silent', '--prefix', project];
  execFileSync('npm', ['install', ...flags, archive], { cwd: project, env, stdio: 'pipe' });
}

/** Runs the installed `walflow` the way npx does. */
function walflow(...args: readonly string[]) {
  const program = join(project, 'node_modules', '.bin', 'walflow');
  return spawnSync(program, args, {
    cwd: project,
    env: { ...env, DATABASE_URL: 'postgres://u:p@h/app' },
    encoding: 'utf8',
  });
}

function readPackage() {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly version: string;
    readonly devDependencies: Readonly<Record<string, string>>;
  };
}

/** A Node of the machine that is below `engines`. */
function olderNode(): string | undefined {
  const programs = (process.env.PATH ?? '').split(delimiter).map((place) => join(place, 'node'));
  return programs.find((program) => {
    const { stdout, status } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    return status === 0 && Number(/^v(\d+)/.exec(stdout)?.[1]) < 22;
  });
}

const installed = (path: string) => join(project, 'node_modules', 'walflow', path);

beforeAll(() => install(packCopy()), SETUP_TIMEOUT_MS);

describe('the package', () => {
  test('holds built code and types, the bundled workflows, and no tests', () => {
    expect(existsSync(installed('dist/workflows/model/define.js'))).toBe(true);
    expect(existsSync(installed('dist/workflows/model/define.d.ts'))).toBe(true);
    expect(existsSync(installed('dist/workflow-bundle.js'))).toBe(true);
    expect(existsSync(installed('LICENSE'))).toBe(true);
    expect(readdirSync(installed('.'))).not.toContain('test');
  });

  test('brings nothing that only development needs', () => {
    const { devDependencies } = readPackage();
    for (const name of ['node', 'typescript', 'vitest', 'fast-check']) {
      expect(devDependencies).toHaveProperty(name);
      expect(existsSync(join(project, 'node_modules', name)), name).toBe(false);
    }
  });

  test('tells its version', () => {
    expect(walflow('--version')).toMatchObject({ status: 0, stdout: `${readPackage().version}\n`, stderr: '' });
  });

  test('makes a configuration in an empty folder, and finds it right', () => {
    expect(walflow('init')).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(project)).toEqual(expect.arrayContaining(['walflow.config.ts', '.env.example', '.gitignore']));
    const checked = walflow('check');
    expect(checked.stderr).toBe('');
    expect(checked.stdout).toContain('is valid');
    expect(checked.status).toBe(0);
  });

  test('tells an older Node what it needs', ({ skip }) => {
    const old = olderNode() ?? '';
    skip(old === '', 'there is no older Node on the PATH');
    const answer = spawnSync(old, [installed('workers/cli/bin.js'), '--version'], { encoding: 'utf8' });
    expect(answer.stderr).toMatch(/^error: walflow needs Node .*\. hint: .*\(NODE_TOO_OLD\)\n$/);
    expect(answer.status).toBe(2);
  });

  test('says what is wrong and how to go on, with the exit code of wrong use', () => {
    const wrong = walflow('stats');
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toMatch(/^error: .*\. hint: .*\. \(USAGE_INVALID\)\n$/);
  });
});
