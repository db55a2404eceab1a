// The bundle's entry: the list of workflows.

export { automation } from './automation.ts';
export { backfill } from './backfill.ts';
export { ingest } from './ingest.ts';
export { materialize } from './materialize.ts';
export { merge } from './merge.ts';
export { run } from './run.ts';
export { scheduled } from './scheduled.ts';
export { snapshot } from './snapshot.ts';
