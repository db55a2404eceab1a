// Warehouse engines stay behind the port: their folders are known to the opener alone, and their names to those who tell a
// user which engines there are.

import type { Document } from './document-rules.ts';
import type { Edge } from './import-graph.ts';
import { isProduct } from './zone.ts';

const ENGINES = /duckdb|ducklake|snowflake/i;
const ENGINE_FOLDER = /^activities\/warehouse\/([^/]+)\//;
const OPENER = 'workers/warehouse-opener.ts';

/** Product files outside an engine's folder that name one, and why each may. */
export const MAY_NAME_ENGINES: ReadonlyMap<string, string> = new Map([
  [OPENER, 'opens a warehouse by its kind'],
  ['workflows/model/define.ts', 'the builder a user calls, and its options'],
  ['workers/config/field.ts', 'what is valid of each kind, and the words of docs/configuration.md'],
  ['workers/config/project.ts', 'the kinds of a resolved warehouse'],
  ['workers/config/resolve.ts', 'the defaults of each kind'],
  ['workers/config/pipeline-rules.ts', 'what two warehouses of one kind may not share'],
  ['workers/config/ad-hoc.ts', 'the warehouse of a project without a file'],
  ['workers/cli/init.ts', 'the configuration file it writes'],
  ['workers/cli/dev/plan.ts', "the name of the demo's warehouse file"],
  ['workers/cli/program.ts', '`walflow --help` says what the product does'],
]);

/** No import of an engine's folder but from itself and by the opener; what a test may import is its own affair. */
export function engineImportViolations(edges: readonly Edge[]): readonly string[] {
  return edges.flatMap(({ from, to, line }) => {
    const engine = ENGINE_FOLDER.exec(to)?.[1];
    const own = engine === undefined || from.startsWith(`activities/warehouse/${engine}/`);
    if (own || from === OPENER || !isProduct(from)) return [];
    return [`${from}:${line} imports ${to}: only ${OPENER} knows an engine, all others the port`];
  });
}

/** @param allowed as `MAY_NAME_ENGINES` */
export function engineNameViolations(
  texts: readonly Document[],
  allowed: ReadonlyMap<string, string>,
): readonly string[] {
  const searched = texts.filter(({ path }) => isSource(path) && !ENGINE_FOLDER.test(path));
  const named = searched.flatMap(({ path, text }) =>
    allowed.has(path)
      ? []
      : text.split('\n').flatMap((line, i) => {
          const name = ENGINES.exec(line)?.[0];
          return name === undefined ? [] : [`${path}:${i + 1} names ${name}: say what any warehouse does`];
        }),
  );
  const idle = [...allowed.keys()].filter(
    (path) => !searched.some((one) => one.path === path && ENGINES.test(one.text)),
  );
  return [...named, ...idle.map((path) => `${path}: may name engines and names none`)];
}

const isSource = (path: string) => /\.(ts|js)$/.test(path) && isProduct(path);
