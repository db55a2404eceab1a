// An ingest worker that is frozen past its heartbeat timeout with a manifest on its way. Another takes over; thawed, the
// first adds nothing to the log and overwrites nothing.

import { expect, test, vi } from 'vitest';
import { readLog } from '../support/lake-audit.ts';
import { livePipeline } from '../support/live-pipeline.ts';
import type { WorkerProcess } from '../support/rig.ts';
import { isManifestPut } from '../support/s3-moment.ts';
import type { S3Exchange } from '../support/s3-proxy.ts';

/** The walsender of a frozen process is taken for dead after 25 s of silence. */
const TAKEOVER_MS = 150_000;

const pipeline = livePipeline();
const log = () => readLog(pipeline.rig.prefix, pipeline.rig.pipeline);

test('a frozen ingest worker is replaced; thawed, it neither appends to the log nor overwrites it', async () => {
  const { rig } = pipeline;
  const first = pipeline.worker('ingest');
  await pipeline.underLoad(async () => {
    const late = await freezeWithManifestOnItsWay(first);
    const second = rig.start('ingest');
    const frozenNonce = (await log()).at(-1)?.writer.nonce;
    await takenOver(late.key);
    const before = await log();

    const answer = late.letGo();
    first.signal('SIGCONT');
    expect(await answer, 'answer of the store to the late manifest').toBe(412);
    await vi.waitFor(async () => expect((await log()).length).toBeGreaterThan(before.length + 10), {
      timeout: 60_000,
      interval: 500,
    });

    const after = await log();
    expect(after.slice(0, before.length).map(({ hash }) => hash)).toEqual(before.map(({ hash }) => hash));
    const lastOfFirst = after.findLastIndex(({ writer }) => writer.nonce === frozenNonce);
    expect(
      `log/${String(after[lastOfFirst]?.seq).padStart(20, '0')}.json` < late.key.slice(late.key.indexOf('log/')),
    ).toBe(true);
    expect(first.alive && second.alive, 'both workers live').toBe(true);
  });
}, 420_000);

/** Stops the process while the store has not seen its manifest yet. */
async function freezeWithManifestOnItsWay(worker: WorkerProcess) {
  const { s3 } = pipeline.rig;
  const held = Promise.withResolvers<string>();
  const release = Promise.withResolvers<undefined>();
  const answered = Promise.withResolvers<number>();
  s3.before = async (exchange: S3Exchange) => {
    if (!isManifestPut(exchange)) return undefined;
    s3.before = () => undefined;
    worker.signal('SIGSTOP');
    held.resolve(exchange.key);
    return await release.promise;
  };
  const key = await held.promise;
  return {
    key,
    letGo: (): Promise<number> => {
      s3.after = (exchange) => {
        if (exchange.key === key && isManifestPut(exchange)) answered.resolve(exchange.status);
        return undefined;
      };
      release.resolve(undefined);
      return answered.promise;
    },
  };
}

/** Someone else's manifest stands where the frozen one wanted to be, and more behind it. */
async function takenOver(key: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const place = (await log()).findIndex(({ seq }) => key.endsWith(`log/${String(seq).padStart(20, '0')}.json`));
      expect(place, 'place of the manifest that was on its way').toBeGreaterThan(-1);
      expect((await log()).length).toBeGreaterThan(place + 3);
    },
    { timeout: TAKEOVER_MS, interval: 1_000 },
  );
}
