import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createProbeApp } from '../../workers/http/probes.ts';
import { serveProbes } from '../../workers/http/serve.ts';
import { listen } from '../../workers/http/server.ts';
import { fakeBackend } from './fake-backend.ts';
import { runningApi } from './running-api.ts';

const guard = { bindHost: '127.0.0.1', allowedHosts: [], token: undefined };
const probes = { notReady: async () => null, metrics: async () => '' };

test('a taken port is named with its setting', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const app = createProbeApp(guard, probes, () => undefined);
  await expect(listen(app, { guard, port, portSetting: 'WALFLOW_HTTP_PORT' })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: `port ${port} on 127.0.0.1 is taken`,
    hint: expect.stringContaining('WALFLOW_HTTP_PORT'),
  });
});

test('an address this machine does not have is blamed on its setting', async () => {
  const elsewhere = { ...guard, bindHost: '192.0.2.1', token: 'sesame' };
  const app = createProbeApp(elsewhere, probes, () => undefined);
  await expect(listen(app, { guard: elsewhere, port: 0, portSetting: 'WALFLOW_HTTP_PORT' })).rejects.toMatchObject({
    code: 'SETTING_INVALID',
  });
});

test('other roles answer probes and nothing else', async () => {
  const server = await serveProbes(
    { ...probes, metrics: async () => 'x 1\n' },
    { guard, port: 0, portSetting: 'WALFLOW_INGEST_HTTP_PORT', onFailure: () => undefined },
  );
  onTestFinished(() => server.close());
  expect(await (await fetch(`${server.url}/metrics`)).text()).toBe('x 1\n');
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${server.url}/api/pipelines`)).status).toBe(404);
});

test('closing lets a request under way end', async () => {
  let entered: (() => void) | undefined;
  const inside = new Promise<void>((resolve) => {
    entered = resolve;
  });
  const backend = fakeBackend({
    assets: async () => {
      entered?.();
      await new Promise((resolve) => setTimeout(resolve, 100));
      return [];
    },
  });
  const server = await runningApi(backend);
  const asking = fetch(`${server.url}/api/assets`);
  await inside;
  await server.close();
  expect(await (await asking).json()).toEqual([]);
});
