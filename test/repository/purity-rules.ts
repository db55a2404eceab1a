// What a file may reach outside itself. Pure files, by their place or because their header says "Pure", get the time as a
// parameter and do no I/O; the environment, the console and the end of the process belong to workers/.

import type { SourceModule } from './source-module.ts';
import { isPure, type Zone, zoneOf } from './zone.ts';

const PROCESS_ZONES: ReadonlySet<Zone> = new Set<Zone>(['worker', 'ops', 'test', 'example', 'config']);

const AMBIENT = new Set([
  'Date.now',
  'new Date()',
  'Math.random',
  'performance',
  'performance.now',
  'crypto.randomUUID',
  'crypto.getRandomValues',
  'setTimeout',
  'setInterval',
  'setImmediate',
]);

/** Node's modules that compute and do nothing else. */
const COMPUTING = new Set(['node:buffer', 'node:crypto', 'node:path', 'node:util', 'node:zlib']);

export function globalViolations(modules: readonly SourceModule[]): readonly string[] {
  return modules.flatMap((module) =>
    module.globals.flatMap(({ what, line }) => {
      const { path } = module;
      const broken = brokenGlobal(module, what);
      return broken === null ? [] : [`${path}:${line} uses ${what}: ${broken}`];
    }),
  );
}

/** By place, or by the promise of the file's own header. */
function promisesPure({ path, comments, headerLines }: SourceModule): boolean {
  return isPure(path) || comments.some(({ what, line }) => line <= headerLines && /\bPure\b/.test(what));
}

function brokenGlobal(module: SourceModule, what: string): string | null {
  const { path } = module;
  if (promisesPure(module) && AMBIENT.has(what)) return 'a pure file takes time and randomness as parameters';
  if (PROCESS_ZONES.has(zoneOf(path))) return null;
  // A bare `process` can be taken apart into env and exit unseen.
  if (/^process(\.(env|exit|exitCode|argv))?$/.test(what))
    return 'only workers/ read the environment and end the process';
  return what.startsWith('console') ? 'only workers/ write to the console' : null;
}

/** I/O and timers come in by import as well as by global. */
export function builtinViolations(modules: readonly SourceModule[]): readonly string[] {
  return modules
    .filter(promisesPure)
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => specifier.startsWith('node:') && !COMPUTING.has(specifier))
        .map(({ specifier, line }) => `${path}:${line} imports ${specifier}: a pure file does no I/O`),
    );
}

/** What a timer's callback throws ends the process, and with it all pipelines. */
export function timerViolations(modules: readonly SourceModule[]): readonly string[] {
  return modules.flatMap(({ path, bareTimers }) =>
    bareTimers.map(
      ({ what, line }) =>
        `${path}:${line} ${what}: wrap its callback in safely(…) of callback.ts, or use node:timers/promises`,
    ),
  );
}
