// Which module imports which, inside the repository. A checker that saw nothing reports no violations, so what it saw is
// counted by the caller.

import { posix } from 'node:path';
import type { SourceModule } from './source-module.ts';

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
  readonly line: number;
}

export interface ImportGraph {
  readonly edges: readonly Edge[];
  /** Relative imports that name no file. */
  readonly dangling: readonly string[];
}

/** The package's own name stands for its public entry, as in a user's configuration. */
const OWN_NAME = 'walflow';
const PUBLIC_ENTRY = 'workflows/model/define.ts';

export function importGraph(modules: readonly SourceModule[]): ImportGraph {
  const known = new Set(modules.map(({ path }) => path));
  const edges: Edge[] = [];
  const dangling: string[] = [];
  for (const { path, imports } of modules) {
    for (const { specifier, typeOnly, line } of imports) {
      const to = localTarget(path, specifier);
      if (to === null) continue;
      if (known.has(to)) edges.push({ from: path, to, typeOnly, line });
      else dangling.push(`${path}:${line} imports ${specifier}, which does not exist`);
    }
  }
  return { edges, dangling };
}

function localTarget(from: string, specifier: string): string | null {
  if (specifier === OWN_NAME) return PUBLIC_ENTRY;
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : null;
}

/** Every cycle once, as `a → b → a`; type imports count too. */
export function importCycles(edges: readonly Edge[]): readonly string[] {
  const targets = Map.groupBy(edges, ({ from }) => from);
  const finished = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(path);
    if (seenAt >= 0) {
      cycles.push([...trail.slice(seenAt), path].join(' → '));
      return;
    }
    if (finished.has(path)) return;
    for (const { to } of targets.get(path) ?? []) visit(to, [...trail, path]);
    finished.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return cycles;
}
