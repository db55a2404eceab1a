// An HTTP proxy in front of the S3 server that knows what passes: a test can act on a request before it goes on, or on an
// answer before the client sees it, or lose that answer. Headers pass unchanged, so signatures stay valid.

import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface S3Exchange {
  readonly method: string;
  /** Path without the bucket, decoded. */
  readonly key: string;
  /** Only for an answer. */
  readonly status: number;
}

/**
 * 'drop' loses the exchange (before = the request never arrives, after = the answer never comes); 'fail' answers 500,
 * 'accept' answers 200, whatever the store thinks of it.
 * Undefined lets it pass.
 */
export type Verdict = undefined | 'drop' | 'fail' | 'accept';
export type Hook = (exchange: S3Exchange) => Verdict | Promise<Verdict>;

export interface S3Proxy {
  readonly endpoint: string;
  /** Called before a request is passed on. */
  before: Hook;
  /** Called when the store has answered, before the client hears of it. */
  after: Hook;
  close(): Promise<void>;
}

/** Starts a proxy on a free loopback port. */
export async function startS3Proxy(endpoint: string): Promise<S3Proxy> {
  const target = new URL(endpoint);
  const hooks: { before: Hook; after: Hook } = { before: () => undefined, after: () => undefined };
  const server = createServer((request, response) => {
    void pass(target, hooks, request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(hooks, {
    endpoint: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

async function pass(
  target: URL,
  hooks: { before: Hook; after: Hook },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = 'GET', url = '/', headers } = request;
  const key = decodeURIComponent(url.split('?')[0] ?? '').replace(/^\/[^/]+\//, '');
  const body = await collect(request);
  if (refused(await hooks.before({ method, key, status: 0 }), response)) return;
  const upstream = httpRequest({ host: target.hostname, port: target.port, method, path: url, headers });
  upstream.end(body);
  const [answer] = (await once(upstream, 'response')) as [IncomingMessage];
  const answered = await collect(answer);
  if (refused(await hooks.after({ method, key, status: answer.statusCode ?? 0 }), response)) return;
  const { 'transfer-encoding': _, ...kept } = answer.headers;
  response.writeHead(
    answer.statusCode ?? 500,
    method === 'HEAD' ? kept : { ...kept, 'content-length': answered.length },
  );
  response.end(answered);
}

function refused(verdict: Verdict, response: ServerResponse): boolean {
  if (verdict === 'drop') response.destroy();
  if (verdict === 'accept') response.writeHead(200, { 'content-length': 0 }).end();
  if (verdict === 'fail') response.writeHead(500, { 'content-length': 0 }).end();
  return verdict !== undefined;
}

async function collect(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
