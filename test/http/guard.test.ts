import { request } from 'node:http';
import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { guardOrigin, type HttpGuard } from '../../workers/http/guard.ts';
import { fakeBackend } from './fake-backend.ts';
import { runningApi } from './running-api.ts';

type Headers = Readonly<Record<string, string>>;

/** fetch refuses to set Host and Origin; a plain request does not. */
function answerTo(url: string, headers: Headers): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request(url, { headers }, async (response) => {
      const chunks: Buffer[] = await response.toArray();
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
    });
    call.on('error', reject);
    call.end();
  });
}

const status = async (url: string, headers: Headers) => (await answerTo(url, headers)).status;
const code = async (url: string, headers: Headers) => JSON.parse((await answerTo(url, headers)).body).error.code;

/** What the guard alone thinks of a host, so that no test listens beyond loopback. */
async function isLetIn(host: string, guard: HttpGuard): Promise<boolean> {
  const app = new Hono().use(guardOrigin(guard));
  app.get('/', (c) => c.text('in')).onError((_, c) => c.text('out', 421));
  return (await app.request('/', { headers: { host } })).status === 200;
}

const LOOPBACK = { bindHost: '127.0.0.1', allowedHosts: ['flow.example.org'], token: undefined };
const EVERYWHERE = { bindHost: '0.0.0.0', allowedHosts: [], token: 'sesame' };

describe('host', () => {
  test.each(['localhost:4400', '127.0.0.1:4400', '127.9.9.9', '[::1]:4400', 'LOCALHOST', 'flow.example.org:80'])(
    'a server on loopback answers %s',
    async (host) => expect(await isLetIn(host, LOOPBACK)).toBe(true),
  );

  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1', '', 'a b', 'x@localhost'])(
    'a server on loopback refuses %j',
    async (host) => expect(await isLetIn(host, LOOPBACK)).toBe(false),
  );

  test('beyond loopback addresses are fine, names are not: they can be made to resolve here', async () => {
    expect(await isLetIn('10.0.0.1:4400', EVERYWHERE)).toBe(true);
    expect(await isLetIn('[fe80::1]:4400', EVERYWHERE)).toBe(true);
    expect(await isLetIn('evil.example', EVERYWHERE)).toBe(false);
  });

  test('a foreign host gets 421 on every path', async () => {
    const { url } = await runningApi(fakeBackend());
    for (const path of ['/', '/api/pipelines', '/metrics', '/healthz']) {
      expect(await status(url + path, { host: 'evil.example' })).toBe(421);
      expect(await code(url + path, { host: 'evil.example' })).toBe('HTTP_HOST_REFUSED');
    }
  });
});

describe('origin', () => {
  test('a script of another origin gets 403, the own page does not', async () => {
    const { url, port } = await runningApi(fakeBackend());
    const at = `${url}/api/pipelines`;
    expect(await status(at, { origin: 'https://evil.example' })).toBe(403);
    expect(await code(at, { origin: 'https://evil.example' })).toBe('HTTP_ORIGIN_REFUSED');
    expect(await status(at, { origin: 'null' })).toBe(403);
    expect(await status(at, { origin: `http://127.0.0.1:${port + 1}` })).toBe(403);
    expect(await status(at, { origin: `http://127.0.0.1:${port}` })).toBe(200);
  });

  test('a browser that names no origin is told by Sec-Fetch-Site; only the page itself may be linked to', async () => {
    const { url } = await runningApi(fakeBackend());
    expect(await status(`${url}/api/pipelines`, { 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await status(`${url}/api/pipelines`, { 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await status(`${url}/api/pipelines`, { 'sec-fetch-site': 'same-origin' })).toBe(200);
    expect(await status(`${url}/`, { 'sec-fetch-site': 'cross-site' })).toBe(200);
  });
});

describe('token', () => {
  test('data and orders need it; page and probes of supervisors do not', async () => {
    const { url } = await runningApi(fakeBackend(), { guard: { token: 'sesame' } });
    const authorization = 'Bearer sesame';
    for (const path of ['/api/pipelines', '/api/page', '/api/stream', '/metrics']) {
      expect(await status(url + path, {})).toBe(401);
      expect(await status(url + path, { authorization: 'Bearer sesam' })).toBe(401);
      expect(await code(url + path, { authorization: 'Bearer sesam' })).toBe('HTTP_TOKEN_INVALID');
      expect(await status(url + path, { authorization: 'Basic sesame' })).toBe(401);
    }
    expect(await status(`${url}/api/pipelines`, { authorization })).toBe(200);
    expect(await status(`${url}/metrics`, { authorization })).toBe(200);
    for (const path of ['/', '/page.js', '/page.css', '/healthz', '/readyz'])
      expect(await status(url + path, {})).toBe(200);
  });

  test('listening beyond loopback without one is refused', async () => {
    const guard = { bindHost: '0.0.0.0' };
    await expect(runningApi(fakeBackend(), { guard })).rejects.toMatchObject({ code: 'HTTP_BIND_REFUSED' });
  });
});
