import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { watchProject } from '../../../workers/cli/dev/project-watch.ts';
import { resolveProject } from '../../../workers/config/resolve.ts';
import { ORIGIN, project } from '../../config/sample-project.ts';
import { freshFolder } from '../../support/folder.ts';

test('a file that the configuration names counts as the configuration', async () => {
  const files = ['walflow.config.ts', 'a.sql'].map((name) => join(freshFolder(), name));
  for (const file of files) writeFileSync(file, 'before');
  const next = resolveProject(project(), ORIGIN);
  const watch = watchProject(files, async () => next, pino({ level: 'silent' }));
  const saved = new Promise((resolve) => watch.changed.addEventListener('abort', resolve));
  // The watch takes note of the file before it can see a change.
  await expect
    .poll(() => (writeFileSync(files[1] ?? '', `${Math.random()}`), watch.next()), { timeout: 10_000 })
    .toBe(next);
  await saved;
  watch.close();
});
