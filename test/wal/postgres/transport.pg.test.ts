import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect } from '../../../activities/wal/postgres/connection.ts';
import { createSlot, dropSlot } from '../../../activities/wal/postgres/slot.ts';
import { openSource } from '../../../activities/wal/postgres/source.ts';
import { freshFolder } from '../../support/folder.ts';
import { freshPostgres } from '../../support/postgres-server.ts';
import { record } from '../replication-recorder.ts';

const folder = freshFolder();
const server = freshPostgres(folder);
const file = (name: string) => join(folder, name);
const warnings: Error[] = [];
const onWarning = (warning: Error) => void warnings.push(warning);

/** Connects and answers how: encrypted, in the clear, or not at all and why. */
async function transportOf(query: string, host = '127.0.0.1', replication = false): Promise<string> {
  const url = Object.assign(new URL(server.url()), { hostname: host, search: query }).href;
  try {
    const connection = await connect(url, 'walflow test', replication);
    const [row] = await connection.textRows('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    await connection.close();
    return row?.[0] === 't' ? 'encrypted' : 'clear';
  } catch (failure) {
    return (failure as { code: string }).code;
  }
}

/** One certificate, its own authority, for `localhost` and no other name. */
function makeCertificate(name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, '-keyout', file(`${name}.key`)].concat([
      ...['-out', file(`${name}.crt`)],
    ]),
    { stdio: 'ignore' },
  );
}

/** Also while the server refuses connections in the clear. */
async function sql(text: string): Promise<void> {
  const connection = await connect(server.url(), 'walflow test');
  await connection.rows(text);
  await connection.close();
}

/** From here on the server takes connections of this kind alone (host = all). */
async function admit(kind: 'host' | 'hostssl' | 'hostnossl'): Promise<void> {
  const line = (database: string) => `${kind} ${database} all 127.0.0.1/32 scram-sha-256\n`;
  server.writeFile('pg_hba.conf', line('all') + line('replication'));
  await sql('select pg_reload_conf()');
  const refused = { host: 'none', hostssl: 'disable', hostnossl: 'require' }[kind];
  if (refused !== 'none')
    await vi.waitFor(async () => expect(await transportOf(`sslmode=${refused}`)).toMatch('FAILED'));
}

beforeAll(() => {
  process.on('warning', onWarning);
  makeCertificate('server');
  makeCertificate('other');
});

afterAll(() => {
  process.off('warning', onWarning);
});

describe('on a server without TLS', () => {
  it.each([
    ['', 'clear'],
    ['sslmode=disable', 'clear'],
    ['sslmode=allow', 'clear'],
    ['sslmode=prefer', 'clear'],
    ['sslmode=require', 'SOURCE_TLS_FAILED'],
    ['sslmode=verify-full', 'SOURCE_TLS_FAILED'],
  ])('"%s": %s', async (query, expected) => {
    expect(await transportOf(query)).toBe(expected);
    expect(await transportOf(query, '127.0.0.1', true)).toBe(expected);
  });
});

describe('on a server with TLS', () => {
  beforeAll(async () => {
    for (const end of ['crt', 'key']) server.writeFile(`server.${end}`, readFileSync(file(`server.${end}`)));
    await sql('alter system set ssl = on');
    await sql('select pg_reload_conf()');
    await vi.waitFor(async () => expect(await transportOf('sslmode=require')).toBe('encrypted'));
  });

  const ca = (name: string) => `&sslrootcert=${encodeURIComponent(file(`${name}.crt`))}`;

  it.each([
    ['', '127.0.0.1', 'encrypted'],
    ['sslmode=disable', '127.0.0.1', 'clear'],
    ['sslmode=allow', '127.0.0.1', 'clear'],
    ['sslmode=prefer', '127.0.0.1', 'encrypted'],
    ['sslmode=require', '127.0.0.1', 'encrypted'],
    ['sslmode=verify-full', 'localhost', 'SOURCE_TLS_FAILED'],
  ])('"%s" to %s: %s', async (query, host, expected) => {
    expect(await transportOf(query, host)).toBe(expected);
  });

  it.each([
    ['require', 'server', '127.0.0.1', 'encrypted'],
    ['require', 'other', '127.0.0.1', 'SOURCE_TLS_FAILED'],
    ['verify-ca', 'server', '127.0.0.1', 'encrypted'],
    ['verify-ca', 'other', '127.0.0.1', 'SOURCE_TLS_FAILED'],
    ['verify-full', 'server', 'localhost', 'encrypted'],
    ['verify-full', 'server', '127.0.0.1', 'SOURCE_TLS_FAILED'],
    ['verify-full', 'other', 'localhost', 'SOURCE_TLS_FAILED'],
  ])('%s with the authority of %s to %s: %s', async (mode, authority, host, expected) => {
    expect(await transportOf(`sslmode=${mode}${ca(authority)}`, host)).toBe(expected);
  });

  it.each([
    ['hostssl' as const, { allow: 'encrypted', disable: 'SOURCE_LOGIN_FAILED', prefer: 'encrypted' }],
    ['hostnossl' as const, { allow: 'clear', prefer: 'clear', require: 'SOURCE_LOGIN_FAILED' }],
  ])('that admits only %s, takes the way that is open', async (kind, expected) => {
    await admit(kind);
    for (const [mode, outcome] of Object.entries(expected)) {
      expect(await transportOf(`sslmode=${mode}`), mode).toBe(outcome);
    }
    await admit('host');
  });

  it('streams over TLS, and by the second way', async () => {
    await sql('create table public.t (id int primary key); create publication p for table public.t');
    const url = server.url();
    await createSlot(url, 's', { onWaiting: () => {} });
    await admit('hostssl');
    for (const [i, mode] of ['require', 'allow'].entries()) {
      const stream = await record({ url: `${url}?sslmode=${mode}`, slot: 's', publications: ['p'] });
      await sql(`insert into public.t values (${i})`);
      await stream.untilInserted(1);
      await stream.stream.stop();
    }
    const source = await openSource(url, 'walflow test');
    await dropSlot(source, 's', 'walflow s stream');
    await source.close();
  });
});

it('never warns on the screen of who uses a mode', () => {
  expect(warnings).toEqual([]);
});
