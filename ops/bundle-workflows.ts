// The last step of a build: puts the workflows' code into one file beside the built sources. Workers of the published package
// load it (workers/temporal/workflow-bundle.ts) and need not bundle at their start.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const built = (path: string) => fileURLToPath(new URL(`../dist/${path}`, import.meta.url));

const { code } = await bundleWorkflowCode({ workflowsPath: built('workflows/index.js') });
writeFileSync(built('workflow-bundle.js'), code);
