import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { watchProject } from '../../../workers/cli/dev/project-watch.ts';
import { resolveProject } from '../../../workers/config/resolve.ts';
import { ORIGIN, project } from '../../config/sample-project.ts';
import { freshFolder } from '../../support/folder.ts';

const folder = freshFolder();

test('a file that the configuration names counts as the configuration', async () => {
  const files = ['walflow.config.ts', 'a.sql'].map((name) => join(folder, name));
  for (const file of files) writeFileSync(file, 'before');
  const next = resolveProject(project(), ORIGIN);
  const watch = watchProject(files, async () => next, pino({ level: 'silent' }));
  // Again and again: the watch must have seen the file before it can see a change.
  const saved = () => {
    writeFileSync(join(folder, 'a.sql'), randomUUID());
    return watch.changed.aborted;
  };
  await expect.poll(saved, { timeout: 10_000, interval: 200 }).toBe(true);
  expect(watch.next()).toBe(next);
  watch.close();
});
