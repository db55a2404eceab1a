import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';

const LOADER = fileURLToPath(new URL('../../workers/config/load.ts', import.meta.url));
/** In a process of its own: a test runner resolves imports by rules of its own. */
const SCRIPT = `
const { loadProject } = await import(process.argv[1]);
const options = { folder: process.argv[2], file: process.argv[3], env: process.env };
try {
  const { name, file } = await loadProject(options);
  console.log(JSON.stringify({ name, file }));
} catch ({ code, message, hint }) {
  console.log(JSON.stringify({ code, message, hint }));
}`;

const VALID = `import { defineConfig, duckdb, type ProjectConfig } from 'walflow';
const config: ProjectConfig = { name: 'NAME', warehouses: { main: duckdb({ path: 'w' }) }, pipelines: {} };
export default defineConfig(config);`;

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'walflow-config-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

async function load(folder: string, ...file: readonly string[]): Promise<{ answer: unknown; stderr: string }> {
  const args = ['--input-type=module', '--eval', SCRIPT, LOADER, folder, ...file];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  return { answer: JSON.parse(stdout), stderr };
}

describe('walflow.config.ts', () => {
  test('is TypeScript, imports walflow without an installation, and needs no package.json', async () => {
    const folder = await folderWith({ 'walflow.config.ts': VALID });
    const { answer, stderr } = await load(folder);
    expect(answer).toEqual({ name: 'NAME', file: join(folder, 'walflow.config.ts') });
    expect(stderr).toBe('');
  });

  test('may be named by --config, import files beside it, and be plain JavaScript', async () => {
    const folder = await folderWith({
      'deploy/prod.mjs': `import { name } from './name.mjs';
        export default { name, warehouses: { main: { kind: 'duckdb', path: 'w' } }, pipelines: {} };`,
      'deploy/name.mjs': "export const name = 'prod';",
    });
    expect((await load(folder, 'deploy/prod.mjs')).answer).toMatchObject({ name: 'prod' });
  });

  test('works as an example inside an installed package, where Node strips no types', async () => {
    const folder = await folderWith({ 'node_modules/walflow/examples/walflow.config.ts': VALID });
    const { answer } = await load(folder, 'node_modules/walflow/examples/walflow.config.ts');
    expect(answer).toMatchObject({ name: 'NAME' });
  });

  test('is missing', async () => {
    const folder = await folderWith({});
    expect((await load(folder)).answer).toMatchObject({
      code: 'CONFIG_NOT_FOUND',
      message: expect.stringContaining(folder),
    });
    expect((await load(folder, 'other.ts')).answer).toMatchObject({ message: 'there is no configuration other.ts' });
  });

  test.each([
    ['does not parse', 'export default {', 'could not be run: SyntaxError'],
    [
      'throws',
      "throw new Error('cannot reach postgres://a:s3cret@db/x')",
      'could not be run: Error: cannot reach postgres://a:***@db/x',
    ],
    ['exports nothing', 'export const config = 1;', 'has no default export'],
    ['is wrong', "export default { name: 'x', pipelines: {} };", 'warehouses is missing'],
  ])('%s', async (_, content, message) => {
    const { answer } = await load(await folderWith({ 'walflow.config.ts': content }));
    expect(answer).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`walflow.config.ts: ${message}`),
    });
  });
});
