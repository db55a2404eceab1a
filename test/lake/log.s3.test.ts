import { randomBytes } from 'node:crypto';
import { afterEach, expect, inject, test } from 'vitest';
import { appendManifest, findHead, readManifest } from '../../activities/lake/log.ts';
import { manifestKey } from '../../activities/lake/object-key.ts';
import { S3Lake } from '../../activities/lake/s3/lake.ts';
import type { Manifest } from '../../workflows/model/manifest.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { freshKeyPrefix } from '../support/unique.ts';
import { following, SAMPLE, withInline } from './sample-manifest.ts';

const { endpoint, region, accessKeyId, secretAccessKey, bucket } = inject('servers').s3;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function open(prefix: string, over = endpoint): S3Lake {
  const credentials = { accessKeyId, secretAccessKey };
  const lake = new S3Lake({ bucket, prefix, endpoint: over, region, credentials, requestTimeoutMs: 300 });
  closers.push(() => lake.close());
  return lake;
}

const byWriter = (manifest: Manifest, nonce: string): Manifest => ({
  ...manifest,
  writer: { ...manifest.writer, nonce },
});

const SIZES: readonly (readonly [string, Manifest])[] = [
  ['a manifest', SAMPLE],
  ['a manifest with a megabyte of files inside', withInline(SAMPLE, () => randomBytes(1_048_576))],
];

test.each(SIZES)('of writers that race for the number of %s one goes on and the others end', async (_, sample) => {
  const prefix = freshKeyPrefix();
  const writers = Array.from({ length: 8 }, (_, i) => ({
    lake: open(prefix),
    manifest: byWriter(sample, `writer-${i}`),
  }));
  const results = await Promise.allSettled(writers.map(({ lake, manifest }) => appendManifest(lake, manifest)));
  const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  expect(winners).toHaveLength(1);
  for (const result of results) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'LOG_TAKEN_OVER' });
  }
  expect(await readManifest(open(prefix), 1)).toEqual(winners[0]);
});

test.each(SIZES)('%s whose answer was dropped after the store is found to be stored', async (_, sample) => {
  const prefix = freshKeyPrefix();
  const { hostname, port } = new URL(endpoint);
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  closers.push(() => proxy.close());
  const [near, far] = [open(prefix), open(prefix, `http://${proxy.address}`)];
  proxy.drop('toClient');
  const appended = appendManifest(far, sample);
  await expect.poll(() => near.exists(manifestKey(1))).toBe(true);
  proxy.heal();
  proxy.cut();
  expect((await appended).manifest).toEqual(sample);
  expect((await readManifest(near, 1))?.hash).toBe((await appended).hash);
  expect(await findHead(near, 0)).toBe(1);
});

test('an attempt that was overtaken while nobody answered it ends, and changes nothing', async () => {
  const prefix = freshKeyPrefix();
  const { hostname, port } = new URL(endpoint);
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  closers.push(() => proxy.close());
  proxy.drop('toServer');
  const sleeper = appendManifest(open(prefix, `http://${proxy.address}`), byWriter(SAMPLE, 'sleeper'));
  const ended = expect(sleeper).rejects.toMatchObject({ code: 'LOG_TAKEN_OVER' });
  const winner = await appendManifest(open(prefix), byWriter(SAMPLE, 'successor'));
  proxy.heal();
  proxy.cut();
  await ended;
  expect(await readManifest(open(prefix), 1)).toEqual(winner);
});

test('the head is found from every hint', async () => {
  const prefix = freshKeyPrefix();
  const lake = open(prefix);
  expect(await findHead(lake, 0)).toBe(0);
  let manifest = SAMPLE;
  for (let seq = 1; seq <= 9; seq++) {
    await appendManifest(lake, manifest);
    manifest = following(manifest);
  }
  for (const hint of [0, 1, 8, 9, 10, 500]) expect(await findHead(lake, hint)).toBe(9);
  expect(await readManifest(lake, 10)).toBeNull();
});
