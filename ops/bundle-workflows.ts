// The last step of a build: the workflows' code as one file beside the built sources. A worker of the published package
// loads it (workers/temporal/workflow-bundle.ts) and so needs no bundler run at its start.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const built = (path: string) => fileURLToPath(new URL(`../dist/${path}`, import.meta.url));

const { code } = await bundleWorkflowCode({ workflowsPath: built('workflows/index.js') });
writeFileSync(built('workflow-bundle.js'), code);
