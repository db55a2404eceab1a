// The files the rules are applied to: everything git tracks or would track. Read once for all rules.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Document } from './document-rules.ts';
import { parseSourceModule, type SourceModule } from './source-module.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Recorded data, in whatever form it was recorded. */
const RECORDED = /^test\/(golden|replay\/histories)\//;
const SOURCE = /\.(ts|js)$/;

export interface Checkout {
  readonly paths: readonly string[];
  readonly modules: readonly SourceModule[];
  /** README.md and docs/**. */
  readonly documents: readonly Document[];
  readonly texts: readonly Document[];
}

/** @throws Error outside a git checkout: without the list of files no rule can be checked. */
export function readCheckout(): Checkout {
  const paths = trackedPaths();
  const read = (path: string): Document => ({ path, text: readFileSync(join(ROOT, path), 'utf8') });
  const texts = paths.filter((path) => !RECORDED.test(path)).map(read);
  return {
    paths,
    texts,
    modules: texts.filter(({ path }) => SOURCE.test(path)).map(({ path, text }) => parseSourceModule(path, text)),
    documents: texts.filter(({ path }) => path === 'README.md' || /^docs\/.*\.md$/.test(path)),
  };
}

export function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
}

export function trackedPaths(): readonly string[] {
  // A checkout owned by another user (a container's volume) is read all the same.
  const options = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const listed = execFileSync('git', options, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return listed.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)));
}
