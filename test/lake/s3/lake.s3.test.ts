import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, inject, test } from 'vitest';
import { S3Lake, type S3LakeOptions } from '../../../activities/lake/s3/lake.ts';
import { freshFolder } from '../../support/folder.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { freshKeyPrefix } from '../../support/unique.ts';

const { endpoint, region, accessKeyId, secretAccessKey, bucket } = inject('servers').s3;
const folder = freshFolder();
const prefix = freshKeyPrefix();
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function open(changes: Partial<S3LakeOptions> = {}): S3Lake {
  const lake = new S3Lake({
    bucket,
    prefix,
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    ...changes,
  });
  closers.push(() => lake.close());
  return lake;
}

async function proxied() {
  const { hostname, port } = new URL(endpoint);
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  closers.push(() => proxy.close());
  return proxy;
}

const hashOf = (body: Uint8Array) => createHash('sha256').update(body).digest('hex');
const put = (lake: S3Lake, key: string, body: Uint8Array) => lake.putIfAbsent(key, body, hashOf(body));
const BODY = Buffer.from('the body');

describe('objects', () => {
  test('come back as they were stored, and are not there before and after', async () => {
    const lake = open();
    const body = randomBytes(300_000);
    expect([await lake.get('a/b'), await lake.exists('a/b')]).toEqual([null, false]);
    expect(await put(lake, 'a/b', body)).toBe('stored');
    expect((await lake.get('a/b'))?.equals(body)).toBe(true);
    expect(await lake.exists('a/b')).toBe(true);
    await lake.remove('a/b');
    await lake.remove('a/b');
    expect(await lake.get('a/b')).toBeNull();
  });

  test('stay the first ones stored under their key', async () => {
    const lake = open();
    expect(await put(lake, 'once', BODY)).toBe('stored');
    expect(await put(lake, 'once', Buffer.from('another'))).toBe('exists');
    expect((await lake.get('once'))?.equals(BODY)).toBe(true);
  });

  test('written as notes may be replaced', async () => {
    const lake = open();
    await lake.putText('note', 'one');
    await lake.putText('note', 'two é');
    expect((await lake.get('note'))?.toString()).toBe('two é');
  });

  test('with encoded names are found under the very key that was written', async () => {
    const lake = open();
    const key = 'data/we%2Eird/%C3%A9%20%2F/dt=2026-01-09/x.parquet';
    await put(lake, key, BODY);
    expect(await lake.exists(key)).toBe(true);
    const listed = [];
    for await (const object of lake.list('data/we%2Eird/')) listed.push(object);
    expect(listed).toEqual([{ key, bytes: BODY.length, modifiedAtMs: expect.any(Number) }]);
  });

  test('are listed relative to the folder, page after page, and only below the prefix', async () => {
    const lake = open({ prefix: freshKeyPrefix() });
    const keys = Array.from({ length: 30 }, (_, i) => `log/${String(i).padStart(3, '0')}`);
    await Promise.all([...keys, 'other/1'].map((key) => put(lake, key, BODY)));
    const listed: string[] = [];
    for await (const { key } of lake.list('log/')) listed.push(key);
    expect(listed).toEqual(keys);
  });

  test('are refused by the store when they do not have the checksum they claim', async () => {
    const lake = open();
    await expect(lake.putIfAbsent('damaged', BODY, hashOf(Buffer.from('other')))).rejects.toMatchObject({
      code: 'LAKE_UNREACHABLE',
    });
    expect(await lake.exists('damaged')).toBe(false);
  });
});

describe('racing for a key', () => {
  test('has one winner, and everybody else is told', async () => {
    const lakes = Array.from({ length: 4 }, () => open());
    for (let round = 0; round < 2; round++) {
      const outcomes = await Promise.all(
        Array.from({ length: 6 }, (_, i) => put(lakes[i % 4] as S3Lake, `race/${round}`, Buffer.from(`racer ${i}`))),
      );
      const winner = outcomes.indexOf('stored');
      expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
      expect((await lakes[0]?.get(`race/${round}`))?.toString()).toBe(`racer ${winner}`);
    }
  });

  test('proves that the store keeps its promise, and leaves nothing behind', async () => {
    const lake = open({ prefix: freshKeyPrefix() });
    await lake.provesConditionalWrites();
    for await (const { key } of lake.list('')) expect.fail(`${key} was left behind`);
  });
});

describe('a file', () => {
  const body = randomBytes(1_000_000);
  const expected = { sha256: hashOf(body), bytes: body.length };
  const partials = () => readdirSync(folder).filter((name) => name.endsWith('.part'));

  test('arrives whole', async () => {
    const lake = open();
    const path = join(folder, 'whole');
    await put(lake, 'file', body);
    await lake.getToFile('file', path, expected);
    await lake.getToFile('file', path, expected);
    expect(readFileSync(path).equals(body)).toBe(true);
    expect(partials()).toEqual([]);
  });

  test.each<[string, Buffer | null]>([
    ['truncated', body.subarray(0, 999_999)],
    ['changed in one byte', Buffer.concat([body.subarray(0, 999_999), Buffer.from([(body[999_999] ?? 0) ^ 1])])],
    ['longer', Buffer.concat([body, Buffer.from('x')])],
    ['missing', null],
  ])('that is %s is refused, and nothing is left on the disk', async (how, object) => {
    const lake = open();
    const key = `file-${how}`;
    const path = join(folder, how);
    if (object !== null) await put(lake, key, object);
    const failure = { code: 'DATA_FILE_DAMAGED', message: expect.stringContaining(key) };
    await expect(lake.getToFile(key, path, expected)).rejects.toMatchObject(failure);
    expect([existsSync(path), ...partials()]).toEqual([false]);
  });

  test('whose connection breaks on the way is asked for again', async () => {
    const proxy = await proxied();
    const lake = open({ endpoint: `http://${proxy.address}` });
    const large = randomBytes(16_000_000);
    await put(lake, 'large', large);
    proxy.delay(300, 'toClient');
    const path = join(folder, 'large');
    const arrived = lake.getToFile('large', path, { sha256: hashOf(large), bytes: large.length });
    await new Promise((resolve) => setTimeout(resolve, 450));
    proxy.cut();
    proxy.heal();
    await arrived;
    expect(readFileSync(path).equals(large)).toBe(true);
  });

  test('that takes longer to send than an answer may take is sent to its end', { timeout: 30_000 }, async () => {
    const proxy = await proxied();
    const lake = open({ endpoint: `http://${proxy.address}`, requestTimeoutMs: 1_000 });
    // The proxy holds 4 MiB at a time: the body takes some seconds, its end out of sight in the buffers on the way.
    proxy.delay(400, 'toServer');
    const large = randomBytes(48_000_000);
    const beganMs = performance.now();
    expect(await put(lake, 'slow', large)).toBe('stored');
    expect(performance.now() - beganMs).toBeGreaterThan(2_000);
  });

  test('that cannot be written is no fault of the store', async () => {
    const lake = open();
    await put(lake, 'unwritable', body);
    const path = join(folder, 'no-such-folder', 'x');
    await expect(lake.getToFile('unwritable', path, expected)).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});

describe('failures have names', () => {
  test('a bucket that does not exist', async () => {
    const lake = open({ bucket: 'walflow-no-such-bucket' });
    const failure = { code: 'LAKE_BUCKET_MISSING', message: expect.stringContaining('walflow-no-such-bucket') };
    // The proof comes before every other use: this store would make the bucket on a first PUT.
    await expect(lake.provesConditionalWrites()).rejects.toMatchObject(failure);
    await expect(lake.get('x')).rejects.toMatchObject(failure);
  });

  test('a wrong secret, an unknown key', async () => {
    for (const credentials of [
      { accessKeyId, secretAccessKey: 'wrong' },
      { accessKeyId: 'AKIANOBODY', secretAccessKey },
    ]) {
      const lake = open({ credentials });
      const requests = [put(lake, 'x', BODY), lake.get('x'), lake.exists('x'), lake.remove('x')];
      for (const settled of await Promise.allSettled(requests)) {
        const failure: unknown = settled.status === 'rejected' ? settled.reason : null;
        expect(failure).toMatchObject({ code: 'LAKE_ACCESS_DENIED' });
        expect(String(failure)).not.toContain(credentials.secretAccessKey);
      }
    }
  });

  test('a store nobody answers for', async () => {
    const proxy = await proxied();
    proxy.refuse();
    const lake = open({ endpoint: `http://${proxy.address}` });
    await expect(lake.get('x')).rejects.toMatchObject({
      code: 'LAKE_UNREACHABLE',
      message: expect.stringContaining('GET x'),
    });
  });

  test('a store that takes requests and never answers', async () => {
    const proxy = await proxied();
    proxy.drop('toClient');
    const lake = open({ endpoint: `http://${proxy.address}`, requestTimeoutMs: 300 });
    await expect(lake.exists('x')).rejects.toMatchObject({ code: 'LAKE_UNREACHABLE' });
  });
});

afterAll(async () => {
  const lake = open();
  for await (const { key } of lake.list('')) await lake.remove(key);
});
