// The first step of a build: removes the last one, nothing of which may reach the package.

import { rmSync } from 'node:fs';

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });
