// The workflows' code as one bundle. A published package contains it; a checkout makes it once per version of the sources
// and caches it, because bundling takes seconds of CPU.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { WorkflowBundlePath } from '@temporalio/worker';
import { WALFLOW_VERSION } from '../version.ts';

const PACKAGED = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));
const BUNDLER = fileURLToPath(new URL('./workflow-bundler.ts', import.meta.url));
const WORKFLOWS = fileURLToPath(new URL('../../workflows', import.meta.url));
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/walflow', import.meta.url));

const run = promisify(execFile);

/** The bundle for `Worker.create({ workflowBundle })`. */
export async function workflowBundle(): Promise<WorkflowBundlePath> {
  if (existsSync(PACKAGED)) return { codePath: PACKAGED };
  const codePath = join(CACHE, `workflows-${sourceHash()}.js`);
  if (!existsSync(codePath)) {
    mkdirSync(CACHE, { recursive: true });
    // Two processes may bundle at the same time: each writes a file of its own, and the rename is atomic.
    const mine = `${codePath}.${process.pid}`;
    await run(process.execPath, [BUNDLER, join(WORKFLOWS, 'index.ts'), mine]);
    renameSync(mine, codePath);
  }
  return { codePath };
}

/** Identifies exactly this code of the workflows, so that histories show which code decided what. */
export function buildIdOf({ codePath }: WorkflowBundlePath): string {
  const hash = createHash('sha256').update(readFileSync(codePath)).digest('hex');
  return `${WALFLOW_VERSION}-${hash.slice(0, 8)}`;
}

function sourceHash(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(WORKFLOWS, { recursive: true, encoding: 'utf8' }).sort()) {
    if (name.endsWith('.ts')) hash.update(name).update(readFileSync(join(WORKFLOWS, name)));
  }
  const versions = readFileSync(fileURLToPath(new URL('../../package-lock.json', import.meta.url)));
  return hash.update(versions).digest('hex').slice(0, 16);
}
