// How the workflow of a run is started, whoever starts it: under its own id, and only once.

import { WorkflowIdReusePolicy } from '@temporalio/common';
import type { PlannedRun } from './model/asset/run.ts';
import { runWorkflowId } from './model/names.ts';
import type { RunInput, RunSettings } from './model/run.ts';
import { assetsAttribute, attributesOf } from './search-attributes.ts';

const ASSETS_NAMED = 3;

export function runOptions(planned: PlannedRun, settings: RunSettings) {
  const assets = planned.steps.map(({ asset }) => asset);
  const args: [RunInput] = [{ ...planned, ...settings }];
  return {
    workflowId: runWorkflowId(planned.id),
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    staticSummary: `run ${assets.slice(0, ASSETS_NAMED).join(', ')}${assets.length > ASSETS_NAMED ? ', …' : ''}`,
    args,
    ...attributesOf(settings.searchAttributes, {
      ...{ kind: 'run', cause: planned.cause.kind, assets: assetsAttribute(assets) },
    }),
  };
}
