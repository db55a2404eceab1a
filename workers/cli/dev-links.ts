// What `walflow dev` tells a person to open or type next. Pure.

import type { Environment } from '../config/setting.ts';
import type { DevFlags } from './dev-plan.ts';
import type { StatusSnapshot } from './dev-status.ts';

interface Places {
  readonly httpPort: number;
  readonly temporalUiUrl: string | undefined;
  /** The demo's database; a source of the user's is known to them, with its password. */
  readonly demoUrl: string | undefined;
  readonly exampleTable: string | undefined;
}

/** How this walflow is called: inside npm scripts the program has no name of its own. */
export function walflowCommand(env: Environment): string {
  return env.npm_lifecycle_event === undefined ? 'npx walflow' : 'npm run -s walflow --';
}

export function devLinks(env: Environment, places: Places): StatusSnapshot['links'] {
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

/** The command that takes a slot away; the URL is written as a variable, it may carry a password. */
export function dropCommand(pipeline: string, { source }: DevFlags): string {
  return `npx walflow slot drop ${pipeline}${source === undefined ? '' : ' --source "$DATABASE_URL"'}`;
}
