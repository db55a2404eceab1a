// The first step of a build: nothing of an earlier build may reach the package.

import { rmSync } from 'node:fs';

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });
