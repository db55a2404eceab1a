// kill -9 of the warehouse at each step of a merge: while files are fetched, or manifests with files inside are read, inside
// the transaction, right after its commit.

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { livePipeline } from '../support/live-pipeline.ts';
import { atExchange, isDataGet, isManifestRead } from '../support/s3-moment.ts';

const ROUNDS = 3;
const MERGE_MS = 20;
const POLL_MS = 20;
const LIMIT_MS = 300_000;

describe.each([
  { where: 'in objects', inlineBytes: 0, isFetch: isDataGet },
  { where: 'inside manifests', inlineBytes: 1_048_576, isFetch: isManifestRead },
])('with change files $where', ({ inlineBytes, isFetch }) => {
  const pipeline = livePipeline({ lake: `inlineBytes: ${inlineBytes}` });
  const warehouse = () => pipeline.worker('warehouse');

  async function repeatedly(kill: () => Promise<void>): Promise<void> {
    await pipeline.underLoad(async () => {
      for (let round = 0; round < ROUNDS; round++) {
        await kill();
        await pipeline.restart('warehouse');
        await mergedBeyond(await mergedSeq());
      }
    });
  }

  test(
    'killed while it fetches the files of a window',
    async () => {
      await repeatedly(() =>
        atExchange(pipeline.rig.s3, 'after', isFetch, async () => {
          await warehouse().kill();
          return 'drop';
        }),
      );
    },
    LIMIT_MS,
  );

  test(
    'killed while it merges a window whose files it has',
    async () => {
      let delayMs = 0;
      await repeatedly(async () => {
        await atExchange(pipeline.rig.s3, 'after', isFetch, async () => undefined);
        // A merge takes some 20 ms: every round meets it at another place.
        delayMs += MERGE_MS / ROUNDS;
        await sleep(delayMs);
        await warehouse().kill();
      });
    },
    LIMIT_MS,
  );

  test(
    'killed right after the commit of a merge: the window is not merged twice',
    async () => {
      await repeatedly(async () => {
        await mergedBeyond(await mergedSeq());
        await warehouse().kill();
      });
    },
    LIMIT_MS,
  );

  /** Number of the last merged manifest, as soon as someone answers. */
  async function mergedSeq(): Promise<number> {
    const untilMs = performance.now() + 60_000;
    for (;;) {
      try {
        const rows = await pipeline.rig.query('select seq::varchar from _walflow.watermark');
        return Number(rows[0]?.[0]);
      } catch (failure) {
        if (performance.now() > untilMs) throw failure;
        await sleep(POLL_MS);
      }
    }
  }

  /** Resolves as soon as the watermark moves. */
  async function mergedBeyond(before: number): Promise<void> {
    const untilMs = performance.now() + 60_000;
    while ((await mergedSeq()) === before) {
      await sleep(POLL_MS);
      if (performance.now() > untilMs) expect.fail(`the watermark stays at ${before}: nothing was in flight`);
    }
  }
});
