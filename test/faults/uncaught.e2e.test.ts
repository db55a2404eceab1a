// What nobody catches, here thrown by a timer of the user's own configuration: the running activity fails with that reason,
// and the worker ends with an error after it has landed what it had.

import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { createRig, type Rig } from '../support/rig.ts';

/** Text of a list for the configuration of the ingest worker: a timer throws once the file exists. */
const throwing = (file: string) => `...(process.argv.includes('ingest')
  ? [await import('node:fs')].flatMap(({ existsSync }) => {
      setInterval(() => { if (existsSync('${file}')) throw new Error('nobody catches this'); }, 200).unref();
      return [];
    })
  : [])`;

describe('a failure that nobody catches', { timeout: 240_000 }, () => {
  const { url } = freshDatabase();
  const folder = freshFolder();
  const trigger = `${folder}/throw`;
  let rig: Rig;

  beforeAll(async () => {
    await withClient(url, (client) => client.query('create table public.t (id int primary key)'));
    rig = await createRig({ url, folder, tables: ['public.t'], assets: () => throwing(trigger) });
  }, 120_000);
  afterAll(async () => {
    await rig?.close();
  });

  test('is the reason that is shown; the next worker goes on', async () => {
    const ingest = rig.start('ingest');
    rig.start('warehouse');
    await rig.caughtUp();
    await withClient(url, (client) => client.query('insert into public.t values (1)'));
    writeFileSync(trigger, '');
    expect(await ingest.exited).toBe(1);
    expect(ingest.output()).toMatch(/"failure":"Error: nobody catches this/);
    rmSync(trigger);
    // Only a worker answers for the workflow.
    rig.start('ingest');
    await expect
      .poll(async () => (await rig.status()).lastFailure, { timeout: 60_000 })
      .toMatch(/nobody catches this.*\(INTERNAL\)/);
    await rig.caughtUp();
    expect(await rig.query('select id from public.t')).toEqual([['1']]);
  });
});
