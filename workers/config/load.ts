// Finds walflow.config.ts, runs it, and returns the checked project. The file is the user's code; in it `walflow` means this
// package, either its sources in a checkout or its built files.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { dirname, extname, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { WalflowError } from '../../workflows/model/errors.ts';
import { maskSecrets } from '../log/secrets.ts';
import { configInvalid } from './problem.ts';
import type { ResolvedProject } from './project.ts';
import { resolveProject } from './resolve.ts';
import type { Environment } from './setting.ts';
import { SOURCE_FILES } from './source-file.ts';

const FILE_NAMES = ['walflow.config.ts', 'walflow.config.mts', 'walflow.config.js', 'walflow.config.mjs'] as const;
/** `.ts` in the checkout, `.js` in the built package. */
const PUBLIC_ENTRY = new URL(`../../workflows/model/define${extname(import.meta.url)}`, import.meta.url).href;

export interface LoadOptions {
  /** `--config`; without it walflow.config.* in the folder. */
  readonly file?: string | undefined;
  /** Absolute. */
  readonly folder: string;
  readonly env: Environment;
}

/**
 * Reads the file again at every call, because it may have been saved since.
 * @throws WalflowError CONFIG_NOT_FOUND, CONFIG_INVALID
 */
export async function loadProject({ file, folder, env }: LoadOptions): Promise<ResolvedProject> {
  const path = findFile(file, folder);
  const label = relative(folder, path) || path;
  return resolveProject(await defaultExport(path, label), {
    ...{ label, file: path, folder: dirname(path), env },
    files: SOURCE_FILES,
  });
}

function findFile(file: string | undefined, folder: string): string {
  const candidates = file === undefined ? FILE_NAMES.map((name) => resolve(folder, name)) : [resolve(folder, file)];
  const found = candidates.find((path) => existsSync(path) && statSync(path).isFile());
  if (found !== undefined) return found;
  const what = file === undefined ? `no ${FILE_NAMES[0]} in ${folder}` : `there is no configuration ${file}`;
  throw new WalflowError('CONFIG_NOT_FOUND', what);
}

async function defaultExport(path: string, label: string): Promise<unknown> {
  const url = pathToFileURL(path);
  url.searchParams.set('read', String(statSync(path).mtimeMs));
  const hooks = configHooks(url.href);
  try {
    const module: Readonly<Record<string, unknown>> = await import(url.href);
    if (module.default !== undefined) return module.default;
  } catch (cause) {
    if (cause instanceof WalflowError) throw cause;
    const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw configInvalid(label, [{ path: '', what: `could not be run: ${maskSecrets(what)}`, fix: 'correct the file' }]);
  } finally {
    hooks.deregister();
  }
  throw configInvalid(label, [
    { path: '', what: 'has no default export', fix: 'write `export default defineConfig({ … })`' },
  ]);
}

/**
 * Resolves `walflow` even if it is not installed beside the file, and states the file's format: Node would guess it from the
 * nearest package.json, with a warning, and refuses TypeScript under node_modules, where examples live.
 */
function configHooks(configUrl: string) {
  return registerHooks({
    resolve: (specifier, context, nextResolve) =>
      specifier === 'walflow' ? { url: PUBLIC_ENTRY, shortCircuit: true } : nextResolve(specifier, context),
    load: (url, context, nextLoad) => {
      if (url !== configUrl) return nextLoad(url, context);
      if (!/\.m?ts(\?|$)/.test(url)) return nextLoad(url, { ...context, format: 'module' });
      const path = fileURLToPath(url);
      if (!path.includes('/node_modules/')) return nextLoad(url, { ...context, format: 'module-typescript' });
      return { format: 'module', source: stripTypeScriptTypes(readFileSync(path, 'utf8')), shortCircuit: true };
    },
  });
}
