// Who may import whom. Stations know the vocabulary and themselves; stages use stations and never another stage, so that
// both meet only in activities/*.ts; nothing reaches into workers/; a client package stays in its system's folder.

import type { Edge } from './import-graph.ts';
import type { SourceModule } from './source-module.ts';
import { placeOf, type System, systemOf, type Zone, zoneOf } from './zone.ts';

/** What a zone may import besides its own files; `types` only as `import type`. */
const MAY_IMPORT: Readonly<Record<Zone, { readonly values: readonly Zone[]; readonly types: readonly Zone[] }>> = {
  model: { values: [], types: [] },
  workflow: { values: ['model'], types: ['activity'] },
  station: { values: ['model'], types: [] },
  stage: { values: ['model', 'station'], types: [] },
  activity: { values: ['model', 'station', 'stage'], types: ['workflow'] },
  worker: { values: ['model', 'workflow', 'activity', 'station', 'stage'], types: [] },
  ops: { values: ['model', 'worker'], types: [] },
  test: {
    values: ['model', 'workflow', 'activity', 'station', 'stage', 'worker', 'ops', 'example', 'config'],
    types: [],
  },
  example: { values: ['model'], types: [] },
  config: { values: ['test'], types: [] },
};

/** What is captured is everybody's vocabulary; what an activity was handed is a type its stages may name. */
const SHARED_STAGE = 'activities/capture';
const RESOURCES = 'activities/resources.ts';

export function layerViolations(edges: readonly Edge[]): readonly string[] {
  return edges.flatMap((edge) => {
    const broken = brokenLayer(edge);
    return broken === null ? [] : [`${edge.from}:${edge.line} imports ${edge.to}: ${broken}`];
  });
}

function brokenLayer({ from, to, typeOnly }: Edge): string | null {
  const [zone, target] = [zoneOf(from), zoneOf(to)];
  const [place, targetPlace] = [placeOf(from), placeOf(to)];
  if (place !== null && place === targetPlace) return null;
  if (zone === 'station' && target === 'station') return 'stations meet only in stages and activities/*.ts';
  if (zone === 'stage' && target === 'stage') {
    return targetPlace === SHARED_STAGE ? null : 'stages meet only in activities/*.ts';
  }
  if (zone === 'stage' && to === RESOURCES && typeOnly) return null;
  if (zone === target || MAY_IMPORT[zone].values.includes(target)) return null;
  if (!MAY_IMPORT[zone].types.includes(target)) return `${zone} files may not import ${target} files`;
  return typeOnly ? null : `${zone} files may only \`import type\` from ${target} files`;
}

const CLIENT_OF: readonly (readonly [RegExp, System])[] = [
  [/^pg(-logical-replication)?$/, 'postgres'],
  [/^@(aws-sdk|smithy)\//, 's3'],
  [/^@duckdb\//, 'duckdb'],
  [/^snowflake-sdk$/, 'snowflake'],
];

const TEMPORAL_ZONES: readonly (readonly [RegExp, readonly Zone[]])[] = [
  [/^@temporalio\/workflow$/, ['workflow']],
  [/^@temporalio\/common(\/|$)/, ['workflow', 'activity', 'worker']],
  [/^@temporalio\//, ['activity', 'worker', 'ops']],
];

/** Packages and Node's own modules, which are no edges of the graph. */
export function packageViolations(modules: readonly SourceModule[]): readonly string[] {
  return modules.flatMap(({ path, imports }) =>
    imports.flatMap(({ specifier, line }) => {
      const broken = specifier.startsWith('.') || zoneOf(path) === 'test' ? null : brokenPackage(path, specifier);
      return broken === null ? [] : [`${path}:${line} imports ${specifier}: ${broken}`];
    }),
  );
}

function brokenPackage(path: string, specifier: string): string | null {
  const zone = zoneOf(path);
  if (zone === 'model') return 'the model imports only its siblings';
  const system = CLIENT_OF.find(([pattern]) => pattern.test(specifier))?.[1];
  if (system !== undefined && systemOf(path) !== system)
    return `only a file or folder named ${system} talks to ${system}`;
  const temporal = TEMPORAL_ZONES.find(([pattern]) => pattern.test(specifier));
  if (temporal !== undefined) {
    return temporal[1].includes(zone) ? null : `this package belongs to ${temporal[1].join(', ')} files`;
  }
  return zone === 'workflow' ? 'workflows know only Temporal and the model' : null;
}

/** The two lists that may re-export: what a bundle and a worker register. */
const LISTS = new Set(['workflows/index.ts', 'activities/index.ts']);

/** No default exports, no `export *`, no barrels: a name has one home and is imported from there. */
export function exportViolations(modules: readonly SourceModule[]): readonly string[] {
  return modules.flatMap(({ path, forwarded }) =>
    forwarded.flatMap(({ what, line }) => {
      if (what === 'default' && path.endsWith('.config.ts')) return [];
      if (what === 're-export' && LISTS.has(path)) return [];
      return [`${path}:${line} ${what}: export by name where it is declared`];
    }),
  );
}
