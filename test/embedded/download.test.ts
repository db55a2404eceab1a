import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { downloadProgram, type FetchEvent } from '../../workers/embedded/download.ts';
import { fetchProgress } from '../../workers/embedded/fetch-progress.ts';
import { freshFolder } from '../support/folder.ts';

const folder = freshFolder();

async function silentServer() {
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.tar.gz`;
  return { source: { title: 'X 1', program: 'x', url, sha256: 'none' }, close: () => server.close() };
}

test('a server that takes the request and says nothing is given up', async () => {
  const { source, close } = await silentServer();
  const download = downloadProgram(source, folder, { onFetch: () => undefined, silenceMs: 50 });
  await expect(download).rejects.toThrow('no answer');
  close();
});

test('a download that is no longer wanted ends with the reason of its signal', async () => {
  const { source, close } = await silentServer();
  const unwanted = new AbortController();
  const download = downloadProgram(source, folder, { onFetch: () => undefined, signal: unwanted.signal });
  unwanted.abort(new Error('stopped by Ctrl-C'));
  await expect(download).rejects.toThrow('stopped by Ctrl-C');
  close();
});

const started: FetchEvent = { tag: 'started', title: 'X 1', from: 'https://example.com/x.tar.gz' };
const received = (bytes: number): FetchEvent => ({ tag: 'received', title: 'X 1', bytes, totalBytes: 10_000_000 });

function shown(live: boolean, everyMs: number): string {
  let text = '';
  let nowMs = 0;
  const listen = fetchProgress(
    (piece) => {
      text += piece;
    },
    live,
    () => nowMs,
  );
  for (const event of [started, received(2_500_000), received(5_000_000), received(10_000_000)]) {
    listen(event);
    nowMs += everyMs;
  }
  return text;
}

test('on a terminal the progress is one line that grows a bar', () => {
  expect(shown(true, 200)).toBe(
    [
      'fetching X 1 from https://example.com/x.tar.gz\n',
      '\r\x1b[K  [======                  ] 2.5 of 10.0 MB',
      '\r\x1b[K  [============            ] 5.0 of 10.0 MB',
      '\r\x1b[K  [========================] 10.0 of 10.0 MB\n',
    ].join(''),
  );
});

test('elsewhere it is a plain line now and then, and always the last one', () => {
  expect(shown(false, 3_000)).toBe(
    'fetching X 1 from https://example.com/x.tar.gz\n  X 1: 5.0 of 10.0 MB\n  X 1: 10.0 of 10.0 MB\n',
  );
});
