// A lake that is slow, or away for a while, and a source that truncates its tables meanwhile.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { withClient } from '../support/database.ts';
import { readLog } from '../support/lake-audit.ts';
import { livePipeline } from '../support/live-pipeline.ts';

const LIMIT_MS = 300_000;

const pipeline = livePipeline();
const log = () => readLog(pipeline.rig.prefix, pipeline.rig.pipeline);

test(
  'tables are truncated and filled again under load, one alone and several at once',
  async () => {
    await pipeline.underLoad(async () => {
      await withClient(pipeline.url, async (client) => {
        for (let round = 0; round < 4; round++) {
          await client.query('truncate postings');
          await sleep(300);
          await client.query(`begin;
          create temp table kept on commit drop as select * from accounts;
          truncate accounts, postings;
          insert into accounts select id, owner, balance, nextval('versions') from kept;
          commit`);
          await sleep(300);
        }
      });
    });
    const truncates = (await log()).flatMap((manifest) => manifest.truncates);
    expect(truncates.length, 'truncates in the log').toBe(12);
  },
  LIMIT_MS,
);

test(
  'a store that refuses every request for a while: ingest and merge come back by themselves',
  async () => {
    const { rig } = pipeline;
    await pipeline.underLoad(async () => {
      rig.s3.before = () => 'drop';
      await vi.waitFor(async () => expect((await rig.status()).state).toBe('waiting-to-retry'), {
        timeout: 90_000,
        interval: 200,
      });
      rig.s3.before = () => undefined;
    });
  },
  LIMIT_MS,
);

test(
  'a store that takes 100 ms longer for every request',
  async () => {
    const { rig } = pipeline;
    await pipeline.underLoad(async () => {
      const before = (await log()).length;
      rig.s3.before = async () => {
        await sleep(100);
        return undefined;
      };
      await vi.waitFor(async () => expect((await log()).length).toBeGreaterThan(before + 20), {
        timeout: 60_000,
        interval: 500,
      });
      rig.s3.before = () => undefined;
    });
  },
  LIMIT_MS,
);
