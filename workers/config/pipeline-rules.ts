// Rules for all pipelines and warehouses of a project: what two of them must not share. Breaking one would lose or mix data
// without any error at run time. Pure.

import { nearestName } from './nearest-name.ts';
import type { Problem } from './problem.ts';
import type { GraphlessProject, ResolvedPipeline, ResolvedWarehouse } from './project.ts';
import { overlaps } from './table-pattern.ts';

export function pipelineProblems(project: GraphlessProject): readonly Problem[] {
  const pipelines = [...project.pipelines.values()];
  return [
    ...sharedFiles(project),
    ...pipelines.flatMap((pipeline) => [...unknownWarehouse(project, pipeline), ...repeatedTables(pipeline)]),
    ...pairs(pipelines).flatMap(([first, second]) => [
      ...sharedSlot(first, second),
      ...sharedPublication(first, second),
      ...sharedFolder(first, second),
      ...sharedTables(first, second),
    ]),
  ];
}

function sharedFiles({ warehouses }: GraphlessProject): readonly Problem[] {
  return pairs([...warehouses.values()]).flatMap(([first, second]) =>
    storageOf(first) === storageOf(second)
      ? [
          {
            path: `warehouses.${second.name}.path`,
            what: `is the file of warehouse ${first.name}`,
            fix: 'give each warehouse a file of its own',
          },
        ]
      : [],
  );
}

/** Where a warehouse keeps its rows: two warehouses of a project must not name the same place. */
function storageOf(warehouse: ResolvedWarehouse): string {
  switch (warehouse.kind) {
    case 'duckdb':
      return warehouse.path;
  }
}

function unknownWarehouse({ warehouses }: GraphlessProject, { name, warehouse }: ResolvedPipeline): readonly Problem[] {
  if (warehouses.has(warehouse)) return [];
  const meant = nearestName(warehouse, warehouses.keys());
  const known = [...warehouses.keys()].join(', ');
  return [
    {
      path: `pipelines.${name}.warehouse`,
      what: `names warehouse ${warehouse}, which is not defined`,
      fix: meant === null ? `the warehouses are ${known}` : `did you mean ${meant}?`,
    },
  ];
}

function repeatedTables({ name, source }: ResolvedPipeline): readonly Problem[] {
  return source.tables.flatMap((table, i) => {
    const first = source.tables.indexOf(table);
    return first === i
      ? []
      : [{ path: `pipelines.${name}.source.tables[${i}]`, what: `repeats ${table}`, fix: 'name each table once' }];
  });
}

/** Two readers of one slot would each get only a part of the changes. */
function sharedSlot(first: ResolvedPipeline, second: ResolvedPipeline): readonly Problem[] {
  if (first.source.slot !== second.source.slot || server(first) !== server(second)) return [];
  return [
    {
      path: `pipelines.${second.name}.source.slot`,
      what: `is ${second.source.slot}, the slot of pipeline ${first.name} on the same server`,
      fix: 'give each pipeline a slot of its own',
    },
  ];
}

/** Each pipeline sets the list of tables of its publication: two would undo each other's work. */
function sharedPublication(first: ResolvedPipeline, second: ResolvedPipeline): readonly Problem[] {
  const same = first.source.publication === second.source.publication && database(first) === database(second);
  if (!same) return [];
  return [
    {
      path: `pipelines.${second.name}.source.publication`,
      what: `is ${second.source.publication}, the publication of pipeline ${first.name} in the same database`,
      fix: 'give each pipeline a publication of its own',
    },
  ];
}

/** With one pipeline's folder inside another's, cleaning up the outer one would remove files of the inner one. */
function sharedFolder(first: ResolvedPipeline, second: ResolvedPipeline): readonly Problem[] {
  const [a, b] = [folder(first), folder(second)];
  if (!a.startsWith(b) && !b.startsWith(a)) return [];
  return [
    {
      path: `pipelines.${second.name}.lake.url`,
      what: `puts its folder and that of pipeline ${first.name} inside each other`,
      fix: 'give both the same lake.url, or folders side by side',
    },
  ];
}

/** Tables of the warehouse are named like the source's, so both pipelines would write the same one. */
function sharedTables(first: ResolvedPipeline, second: ResolvedPipeline): readonly Problem[] {
  if (first.warehouse !== second.warehouse) return [];
  return second.source.tables.flatMap((table, i) => {
    const other = first.source.tables.find((pattern) => overlaps(pattern, table));
    if (other === undefined) return [];
    return [
      {
        path: `pipelines.${second.name}.source.tables[${i}]`,
        what: `(${table}) and ${other} of pipeline ${first.name} are the same tables in warehouse ${second.warehouse}`,
        fix: 'give one of the pipelines a warehouse of its own',
      },
    ];
  });
}

function server({ source }: ResolvedPipeline): string {
  const { hostname, port } = new URL(source.url);
  return `${hostname.toLowerCase()}:${port || '5432'}`;
}

function database(pipeline: ResolvedPipeline): string {
  return `${server(pipeline)}${new URL(pipeline.source.url).pathname}`;
}

function folder({ name, lake }: ResolvedPipeline): string {
  return [lake.endpoint ?? '', lake.bucket, lake.prefix, name, ''].join('/').replaceAll(/\/+/g, '/');
}

function pairs<T>(items: readonly T[]): readonly (readonly [T, T])[] {
  return items.flatMap((second, i) => items.slice(0, i).map((first) => [first, second] as const));
}
