// A program: bundles the workflows of a checkout into a file (workflow-bundle.ts). Apart, because the compilers that it loads
// would stay in a worker's memory.

import { writeFileSync } from 'node:fs';
import { bundleWorkflowCode } from '@temporalio/worker';

const [, , workflowsPath = '', file = ''] = process.argv;
const { code } = await bundleWorkflowCode({ workflowsPath });
writeFileSync(file, code);
