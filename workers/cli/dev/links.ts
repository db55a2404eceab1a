// What to open or type next, as `walflow dev` shows it. Pure.

import type { ResolvedPipeline } from '../../config/project.ts';
import type { Environment } from '../../config/setting.ts';
import type { DevFlags } from './plan.ts';
import type { StatusView } from './status.ts';

interface Places {
  readonly httpPort: number;
  readonly temporalUiUrl: string | undefined;
  /** The demo's database. A user's own source is not shown: its URL may contain a password. */
  readonly demoUrl: string | undefined;
  readonly exampleTable: string | undefined;
}

/** How to call this walflow: in npm scripts the program has no name of its own. */
function walflowCommand(env: Environment): string {
  return env.npm_lifecycle_event === undefined ? 'npx walflow' : 'npm run -s walflow --';
}

export function devLinks(env: Environment, places: Places): StatusView['links'] {
  const { httpPort, temporalUiUrl, demoUrl, exampleTable } = places;
  const sql = exampleTable === undefined ? 'select 1' : `select count(*) from ${exampleTable}`;
  return [
    { label: 'page', text: `http://127.0.0.1:${httpPort}` },
    ...(temporalUiUrl === undefined ? [] : [{ label: 'Temporal', text: temporalUiUrl }]),
    { label: 'query', text: `${walflowCommand(env)} query "${sql}"` },
    ...(demoUrl === undefined ? [] : [{ label: 'source', text: `psql ${demoUrl}` }]),
    { label: 'stop', text: 'Ctrl-C' },
  ];
}

/** How to drop a slot. The source's URL is written as a variable, because it may contain a password. */
export function waysToDrop(
  env: Environment,
  { demo, source }: DevFlags,
  home: string,
  pipeline: ResolvedPipeline,
): readonly string[] {
  if (demo) return [`rm -r ${home}   (the demo's Postgres and everything made from it)`];
  const flags = source === undefined ? '' : ' --source "$DATABASE_URL"';
  return [
    `${walflowCommand(env)} slot drop ${pipeline.name}${flags}`,
    `select pg_drop_replication_slot('${pipeline.source.slot}')   (in SQL)`,
  ];
}
