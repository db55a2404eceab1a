import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../../../activities/wal/postgres/connection.ts';
import { flushedSql } from '../../../activities/wal/postgres/flush-sql.ts';
import { createSlot, dropSlot } from '../../../activities/wal/postgres/slot.ts';
import { openSource, type Source } from '../../../activities/wal/postgres/source.ts';
import type { WalflowError } from '../../../workflows/model/errors.ts';
import { freshDatabase, withClient } from '../../support/database.ts';
import { freshPipelineName } from '../../support/unique.ts';

/** At the end of a page the next record's place lies so far behind what is on disk, at most. A transaction is longer. */
const PAGE_HEADER = 40n;

const database = freshDatabase();
const opened: Source[] = [];
const servers: Server[] = [];

afterEach(async () => {
  for (const source of opened.splice(0)) await source.close();
  for (const server of servers.splice(0)) server.close();
});

async function open(): Promise<Source> {
  const source = await openSource(database.url, 'walflow test');
  opened.push(source);
  return source;
}

describe('a source', () => {
  it('tells which server it is and where its log stands', async () => {
    const source = await open();
    const system = await source.identifySystem();
    expect(system.systemIdentifier).toMatch(/^\d{19}$/);
    expect(system.timeline).toBe(1);
    expect(await source.insertLsn()).toBeGreaterThanOrEqual(system.flushLsn);
  });

  it('describes a slot', async () => {
    const source = await open();
    const slot = freshPipelineName();
    expect(await source.slotRow(slot)).toBeNull();
    const { consistentPoint } = await createSlot(database.url, slot, { onWaiting: () => {} });
    expect(await source.slotRow(slot)).toMatchObject({
      slot,
      plugin: 'pgoutput',
      database: database.name,
      active: false,
      activePid: null,
      walStatus: 'reserved',
      confirmedFlushLsn: consistentPoint,
      invalidationReason: null,
    });
    await dropSlot(source, slot, 'nobody');
    expect(await source.slotRow(slot)).toBeNull();
  });

  it('waits for the disk: a transaction that a crash would take back is visible before', async () => {
    const source = await open();
    await withClient(database.url, async (writer) => {
      await writer.query('create table async(id int); set synchronous_commit = off');
      // By chance the server may write to disk right after one commit, not after twenty.
      for (let i = 0; i < 20; i += 1) {
        await writer.query('insert into async values ($1)', [i]);
        const written = await source.insertLsn();
        await source.flushed();
        expect((await source.identifySystem()).flushLsn).toBeGreaterThanOrEqual(written - PAGE_HEADER);
      }
    });
  });

  it.each([
    ['0/2000028', '0/2000028', true],
    ['0/2000060', '0/2000028', false],
    // The end of a page, and of a segment: the next record comes after a header, which is written with it.
    ['0/2002018', '0/2002000', true],
    ['0/3000028', '0/3000000', true],
    ['0/2002030', '0/2002000', false],
    ['0/2002018', '0/2001FF8', false],
  ])('what is to be at %s and is on disk up to %s: all there is %s', async (target, flushLsn, expected) => {
    const source = await open();
    const sql = flushedSql(`'${target}'::pg_lsn`, `'${flushLsn}'::pg_lsn`);
    expect(await source.connection.rows(`select ${sql} as flushed`)).toEqual([{ flushed: expected }]);
  });

  it('passes notifications on, those of its own channel only', async () => {
    const [source, other] = [await open(), await open()];
    const heard: string[] = [];
    await source.listen('walflow_shop', (payload) => heard.push(payload));
    await other.notify('walflow_other', 'x');
    await other.notify('walflow_shop', '0/1');
    await expect.poll(() => heard).toEqual(['0/1']);
  });

  it('says when its connection is lost', async () => {
    const source = await open();
    const { pid } = await source.connection.row<{ pid: number }>('select pg_backend_pid() as pid');
    await withClient(database.url, (client) => client.query('select pg_terminate_backend($1)', [pid]));
    const failure = {
      code: 'SOURCE_UNREACHABLE',
      message: expect.stringContaining('terminating connection due to administrator command'),
      hint: expect.stringContaining('terminating connection due to administrator command'),
    };
    await expect(source.lost).rejects.toMatchObject(failure);
    await expect(source.insertLsn()).rejects.toMatchObject(failure);
    await expect(source.connection.transaction('begin', () => Promise.resolve())).rejects.toMatchObject(failure);
  });

  it('keeps the statements of a transaction together while others wait', async () => {
    const { connection } = await open();
    const order: string[] = [];
    const transaction = connection.transaction('begin', async (statements) => {
      await statements.rows('select pg_sleep(0.05)');
      order.push('inside');
    });
    const outside = connection.rows('select 1').then(() => order.push('outside'));
    await Promise.all([transaction, outside]);
    expect(order).toEqual(['inside', 'outside']);
  });

  it('rolls a failed transaction back and goes on', async () => {
    const { connection } = await open();
    const failing = connection.transaction('begin', (statements) => statements.rows('select 1/0'));
    await expect(failing).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
    expect(await connection.rows('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('prints values the same way whatever the role prefers', async () => {
    const source = await open();
    const [row] = await source.connection.textRows(
      `select timestamptz '2026-02-03 04:05:06.7+00', interval '1 day 2 hours', 0.1::float8 + 0.2::float8, '\\x0aff'::bytea, null::int`,
    );
    expect(row).toEqual(['2026-02-03 04:05:06.7+00', '1 day 02:00:00', '0.30000000000000004', '\\x0aff', null]);
  });
});

/** Connects somewhere else than to the test database; resolves with the error. */
async function failureOf(change: (url: URL) => void, replication = false): Promise<WalflowError> {
  const url = new URL(database.url);
  change(url);
  url.password = url.password === '' ? 'top-secret' : url.password;
  const failure = await connect(url.href, 'walflow test', replication).then(
    () => null,
    (error: WalflowError) => error,
  );
  if (failure === null) throw new Error('it connected');
  return failure;
}

/** A server that answers the startup message with one error, in the protocol's form. */
async function startErrorServer(sqlState: string, message: string): Promise<number> {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${sqlState}\0M${message}\0\0`);
  const head = Buffer.from('E\0\0\0\0');
  head.writeUInt32BE(body.length + 4, 1);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.concat([head, body])));
  });
  server.listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('a failed connection names', () => {
  it('a wrong password, without showing it', async () => {
    const failure = await failureOf((url) => {
      url.password = 'not-the-password';
      url.username = 'nobody_of_that_name';
    });
    expect(failure).toMatchObject({ code: 'SOURCE_LOGIN_FAILED' });
    expect(failure.message).toContain('as user "nobody_of_that_name"');
    expect(`${failure.toLine()} ${failure.stack}`).not.toContain('not-the-password');
  });

  it('a database that does not exist', async () => {
    const failure = await failureOf((url) => {
      url.pathname = '/no_such_database';
    });
    expect(failure).toMatchObject({ code: 'SOURCE_DATABASE_MISSING' });
  });

  it('a server that is not there', async () => {
    const failure = await failureOf((url) => {
      url.port = '1';
    });
    expect(failure).toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    expect(failure.message).toContain('127.0.0.1:1');
  });

  it('a server without TLS where the URL asks for it', async () => {
    const failure = await failureOf((url) => {
      url.searchParams.set('sslmode', 'verify-full');
    });
    expect(failure).toMatchObject({ code: 'SOURCE_TLS_FAILED' });
  });

  it('a certificate file that cannot be read', async () => {
    const failure = await failureOf((url) => {
      url.searchParams.set('sslmode', 'verify-full');
      url.searchParams.set('sslrootcert', '/no/such/ca.pem');
    });
    expect(failure).toMatchObject({ code: 'SOURCE_TLS_FAILED', message: expect.stringContaining('/no/such/ca.pem') });
  });

  it('a URL that cannot be read, without repeating it', async () => {
    const failure = await connect('postgres://user:top-secret@[bad/db', 'walflow test').catch((error) => error);
    expect(failure).toMatchObject({ code: 'SOURCE_URL_INVALID' });
    expect(`${failure.toLine()} ${failure.stack}`).not.toContain('top-secret');
  });

  it.each([
    ['a pooler', '08P01', 'unsupported startup parameter: replication', 'SOURCE_IS_POOLER'],
    ['a missing REPLICATION right', '42501', 'permission denied to start WAL sender', 'SOURCE_NO_REPLICATION_RIGHT'],
    ['walsenders used up', '53300', 'number of requested standby connections exceeds …', 'SOURCE_NO_FREE_WALSENDER'],
    ['a server that is starting', '57P03', 'the database system is starting up', 'SOURCE_UNREACHABLE'],
    ['anything else in the server\u2019s words', 'XX000', 'something odd', 'SOURCE_REFUSED'],
  ])('%s', async (_, sqlState, message, code) => {
    const port = await startErrorServer(sqlState, message);
    const failure = await failureOf((url) => {
      url.port = String(port);
    }, true);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('a server whose connections are used up', async () => {
    const port = await startErrorServer('53300', 'sorry, too many clients already');
    const failure = await failureOf((url) => {
      url.port = String(port);
    });
    expect(failure).toMatchObject({ code: 'SOURCE_TOO_MANY_CONNECTIONS' });
  });

  it('a role without the REPLICATION right, on the real server', async () => {
    const role = freshPipelineName();
    await withClient(database.url, (client) => client.query(`create role ${role} login password 'pw'`));
    const failure = await failureOf((url) => {
      url.username = role;
      url.password = 'pw';
    }, true);
    expect(failure).toMatchObject({ code: 'SOURCE_NO_REPLICATION_RIGHT' });
    await withClient(database.url, (client) => client.query(`drop role ${role}`));
  });
});
