import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { createSlot, dropSlot } from '../../../activities/wal/postgres/slot.ts';
import { openSource, type Source } from '../../../activities/wal/postgres/source.ts';
import type { Lsn } from '../../../workflows/model/lsn.ts';
import { freshDatabase, withClient } from '../../support/database.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { freshPipelineName } from '../../support/unique.ts';
import { type Recorder, record } from '../replication-recorder.ts';

const database = freshDatabase();
const publications = ['numbers'];
const open: Recorder[] = [];
const slots: string[] = [];

beforeAll(() =>
  withClient(database.url, async (client) => {
    await client.query('create table numbers (id int primary key); create table unpublished (id int)');
    await client.query('create publication numbers for table numbers');
  }),
);

afterEach(async () => {
  for (const { stream } of open.splice(0)) await stream.stop();
  for (const slot of slots.splice(0)) await onSource((source) => dropSlot(source, slot, ownName(slot)));
  await sql('truncate numbers');
});

const ownName = (slot: string) => `walflow ${slot} stream`;

async function onSource<T>(work: (source: Source) => Promise<T>): Promise<T> {
  const source = await openSource(database.url, 'test');
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}

async function sql(...statements: string[]): Promise<void> {
  await withClient(database.url, async (client) => {
    for (const statement of statements) await client.query(statement);
  });
}

async function freshSlot(): Promise<string> {
  const slot = freshPipelineName();
  await createSlot(database.url, slot, { onWaiting: () => {} });
  slots.push(slot);
  return slot;
}

async function follow(slot: string, options: Partial<Parameters<typeof record>[0]> = {}): Promise<Recorder> {
  const recorder = await record({ url: database.url, slot, publications, ...options });
  open.push(recorder);
  return recorder;
}

const confirmedOf = (slot: string) => onSource(async (source) => (await source.slotRow(slot))?.confirmedFlushLsn ?? 0n);

/** Sets wal_sender_timeout for new connections of the test database's server to two seconds. */
async function withShortTimeout(work: () => Promise<void>): Promise<void> {
  await sql(`alter database ${database.name} set wal_sender_timeout = '2s'`);
  try {
    await work();
  } finally {
    await sql(`alter database ${database.name} reset wal_sender_timeout`);
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('positions', () => {
  it('confirms nothing by itself, however much was received', async () => {
    const slot = await freshSlot();
    const before = await confirmedOf(slot);
    const first = await follow(slot);
    await sql('insert into numbers values (1)', 'insert into numbers values (2)');
    await first.untilInserted(2);
    first.stream.ping();
    await expect.poll(() => first.keepalives.length).toBeGreaterThan(0);
    await first.stream.stop();
    expect(await confirmedOf(slot)).toBe(before);
    const second = await follow(slot);
    await second.untilInserted(2);
    expect(second.inserted()).toEqual(['1', '2']);
  });

  it('confirms exactly the position it is told', async () => {
    const slot = await freshSlot();
    const recorder = await follow(slot);
    await sql('insert into numbers values (1)');
    await recorder.untilInserted(1);
    const [end] = recorder.commitEnds() as [Lsn];
    recorder.stream.sendStatus(end);
    await expect.poll(() => confirmedOf(slot)).toBe(end);
    recorder.stream.sendStatus(end - 1n);
    recorder.stream.ping();
    await expect.poll(() => recorder.keepalives.length).toBeGreaterThan(0);
    expect(await confirmedOf(slot)).toBe(end);
  });

  it('delivers a commit that lies directly behind the confirmed one after a restart', async () => {
    const slot = await freshSlot();
    const ends = await adjacentCommits(slot);
    const first = await follow(slot);
    await first.untilInserted(2);
    expect(first.commitEnds()).toEqual(ends.map(([, end]) => end));
    first.stream.sendStatus(ends[0][1]);
    await expect.poll(() => confirmedOf(slot)).toBe(ends[0][1]);
    await first.stream.stop();
    const second = await follow(slot);
    await second.untilInserted(1);
    expect(second.inserted()).toEqual(['2']);
  });

  it('goes on where the last confirmation was, without loss or repetition', async () => {
    const slot = await freshSlot();
    const seen: string[] = [];
    for (let round = 0; round < 4; round++) {
      const recorder = await follow(slot);
      await sql(`insert into numbers values (${round * 2})`, `insert into numbers values (${round * 2 + 1})`);
      await recorder.untilInserted(2);
      const end = recorder.commitEnds().at(-1) ?? 0n;
      recorder.stream.sendStatus(end);
      await expect.poll(() => confirmedOf(slot)).toBe(end);
      seen.push(...recorder.inserted());
      await recorder.stream.stop();
    }
    expect(seen).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });

  it('learns from keepalives how far an idle source with foreign traffic has come', async () => {
    const slot = await freshSlot();
    const recorder = await follow(slot);
    await sql('insert into unpublished select generate_series(1, 1000)');
    const target = await onSource((source) => source.insertLsn());
    await expect
      .poll(() => {
        recorder.stream.ping();
        return (recorder.keepalives.at(-1)?.walEnd ?? 0n) >= target;
      })
      .toBe(true);
    recorder.stream.sendStatus(target);
    await expect.poll(() => confirmedOf(slot)).toBe(target);
    expect(recorder.stream.receivedLsn).toBeGreaterThanOrEqual(target);
  });
});

/** Two concurrent commits whose records touch: the end of A is the beginning of B. Returns [commit, end] of both. */
async function adjacentCommits(slot: string): Promise<[[Lsn, Lsn], [Lsn, Lsn]]> {
  return await withClient(database.url, (a) =>
    withClient(database.url, async (b) => {
      for (let tries = 0; tries < 50; tries++) {
        // Written through, so that the slot can be moved behind it.
        await a.query('set synchronous_commit = on; truncate numbers');
        await a.query('select pg_replication_slot_advance($1, pg_current_wal_lsn())', [slot]);
        for (const client of [a, b]) await client.query('set synchronous_commit = off');
        await a.query('begin; insert into numbers values (1)');
        await b.query('begin; insert into numbers values (2)');
        await Promise.all([a.query('commit'), b.query('commit')]);
        // Decoding sees only what is on disk.
        await a.query(`set synchronous_commit = on; select pg_logical_emit_message(true, 'test', 'flush')`);
        const { rows } = await a.query<{ data: Buffer }>(
          `select data from pg_logical_slot_peek_binary_changes($1, null, null, 'proto_version', '1', 'publication_names', 'numbers')`,
          [slot],
        );
        const commits = rows.flatMap(({ data }): [Lsn, Lsn][] =>
          data[0] === 0x43 ? [[data.readBigUInt64BE(2), data.readBigUInt64BE(10)]] : [],
        );
        const [first, second] = commits;
        const order = rows.flatMap(({ data }) => (data[0] === 0x49 ? [data.toString('latin1', data.length - 1)] : []));
        if (first && second && first[1] === second[0] && order.join() === '1,2') return [first, second];
      }
      throw new Error('no two commits came to lie side by side');
    }),
  );
}

describe('liveness', () => {
  it('keeps the connection alive while held for longer than wal_sender_timeout', { timeout: 30_000 }, () =>
    withShortTimeout(async () => {
      const slot = await freshSlot();
      const recorder = await follow(slot);
      recorder.stream.pause();
      await sql('insert into numbers select generate_series(1, 20000)');
      await sleep(5_000);
      expect(recorder.inserted().length).toBeLessThan(20_000);
      recorder.stream.resume();
      await recorder.untilInserted(20_000);
    }),
  );

  it('keeps an idle connection alive', { timeout: 30_000 }, () =>
    withShortTimeout(async () => {
      const slot = await freshSlot();
      const recorder = await follow(slot);
      await sleep(6_000);
      await sql('insert into numbers values (1)');
      await recorder.untilInserted(1);
    }),
  );

  it('ends with a typed error when the server falls silent', { timeout: 30_000 }, () =>
    withShortTimeout(async () => {
      const slot = await freshSlot();
      const { hostname, port } = new URL(inject('servers').postgresUrl);
      const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
      const url = Object.assign(new URL(database.url), { hostname: '127.0.0.1', port: String(proxy.port) }).href;
      const recorder = await follow(slot, { url });
      proxy.drop('toClient');
      await expect(recorder.stream.closed).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
      await proxy.close();
    }),
  );

  it('ends with a typed error when the connection is cut', async () => {
    const slot = await freshSlot();
    const recorder = await follow(slot);
    await sql(`select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '${slot}'`);
    await expect(recorder.stream.closed).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
  });

  it('resolves closed after stop and frees the slot', async () => {
    const slot = await freshSlot();
    const recorder = await follow(slot);
    await recorder.stream.stop();
    await recorder.stream.stop();
    await expect(recorder.stream.closed).resolves.toBeUndefined();
    await expect.poll(() => onSource(async (source) => (await source.slotRow(slot))?.active)).toBe(false);
  });

  it('can be stopped while it is held and the server has much to send', async () => {
    const slot = await freshSlot();
    const recorder = await follow(slot);
    recorder.stream.pause();
    await sql('insert into numbers select generate_series(1, 100000)');
    await recorder.stream.stop();
    await expect.poll(() => onSource(async (source) => (await source.slotRow(slot))?.active)).toBe(false);
  });
});

describe('failures', () => {
  it('of decoding end the stream with that very error', async () => {
    const slot = await freshSlot();
    const own = new RangeError('of the decoder');
    const recorder = await follow(slot, {
      decode: () => {
        throw own;
      },
    });
    await sql('insert into numbers values (1)', 'insert into numbers values (2)');
    await expect(recorder.stream.closed).rejects.toBe(own);
    await expect.poll(() => onSource(async (source) => (await source.slotRow(slot))?.active)).toBe(false);
  });

  it('of the keepalive callback end it too', async () => {
    const slot = await freshSlot();
    const own = new RangeError('of the caller');
    const recorder = await follow(slot, {
      onKeepalive: () => {
        throw own;
      },
    });
    recorder.stream.ping();
    await expect(recorder.stream.closed).rejects.toBe(own);
  });

  it('name the consumer that holds the slot', async () => {
    const slot = await freshSlot();
    await follow(slot, { applicationName: 'someone else' });
    await expect(follow(slot)).rejects.toMatchObject({
      code: 'SLOT_BUSY',
      message: expect.stringMatching(/pid \d+ \("someone else" from 127\.0\.0\.1\)/),
    });
  });

  it('do not take the slot away from a living stream of the same name', async () => {
    const slot = await freshSlot();
    const first = await follow(slot);
    await expect(follow(slot)).rejects.toMatchObject({ code: 'SLOT_BUSY' });
    await sql('insert into numbers values (1)');
    await first.untilInserted(1);
  });

  it.each([
    ['a slot that does not exist', 'no_such_slot', publications, 'SLOT_MISSING'],
    ['a login that is refused', null, publications, 'SOURCE_LOGIN_FAILED'],
    ['a server that is not there', null, publications, 'SOURCE_UNREACHABLE'],
  ] as const)('name %s', async (_, missing, names, code) => {
    const url = new URL(database.url);
    if (code === 'SOURCE_LOGIN_FAILED') url.username = 'nobody_of_that_name';
    if (code === 'SOURCE_UNREACHABLE') url.port = '1';
    await expect(follow(missing ?? 'any', { url: url.href, publications: names })).rejects.toMatchObject({ code });
  });

  it('name a publication that does not exist', async () => {
    const slot = await freshSlot();
    const recorder = await follow(slot, { publications: ['no_such_publication'] });
    await sql('insert into numbers values (1)');
    await expect(recorder.stream.closed).rejects.toMatchObject({ code: 'PUBLICATION_MISSING' });
  });
});

it('decodes values under the session settings of copies, whatever the role prefers', async () => {
  await sql(
    `alter database ${database.name} set datestyle = 'German, DMY'`,
    `alter database ${database.name} set timezone = 'Asia/Tokyo'`,
  );
  try {
    await sql('create table moments (at timestamptz primary key)', 'alter publication numbers add table moments');
    const slot = await freshSlot();
    const recorder = await follow(slot);
    await sql(`insert into moments values ('2026-02-03 04:05:06.789+00')`);
    await recorder.untilInserted(1);
    expect(recorder.inserted()).toEqual(['2026-02-03 04:05:06.789+00']);
  } finally {
    await sql(
      `alter database ${database.name} reset datestyle`,
      `alter database ${database.name} reset timezone`,
      'drop table moments',
    );
  }
});

it('takes publications with awkward names', async () => {
  await sql(`create publication "it's, ""odd""" for table numbers`);
  const slot = await freshSlot();
  const recorder = await follow(slot, { publications: [`it's, "odd"`, 'numbers'] });
  await sql('insert into numbers values (1)');
  await recorder.untilInserted(1);
  await sql(`drop publication "it's, ""odd"""`);
});

describe('a change too large to hold', () => {
  const MIB = 1024 * 1024;

  it.each([
    ['insert', `insert into documents values (2, 'note', repeat('x', 9000000))`],
    ['update of a row with a large old one', `update documents set body = repeat('y', 5000000) where id = 1`],
  ])('is passed over and named, whatever it is: %s', async (_, statement) => {
    await sql(
      'drop table if exists documents; create table documents (id int primary key, note text, body text)',
      'alter table documents replica identity full',
      'alter publication numbers add table documents',
      `insert into documents values (1, 'first', repeat('z', 5000000))`,
    );
    const slot = await freshSlot();
    const recorder = await follow(slot, { maxRowBytes: 8 * MIB });
    await sql(statement, `insert into documents values (3, 'behind', 'small')`);
    await recorder.untilInserted(1);
    expect(recorder.inserted()).toEqual(['3']);
    const bytes = statement.startsWith('insert') ? 9_000_000 : 5_000_000;
    expect(recorder.tooLarge()).toEqual([{ event: 'tooLarge', table: 'documents', column: 'body', bytes }]);
  });

  it('keeps no memory of it', { timeout: 120_000 }, async () => {
    await sql('drop table if exists documents; create table documents (id int primary key, body text)');
    await sql('alter publication numbers add table documents');
    const slot = await freshSlot();
    const before = process.memoryUsage().rss;
    const recorder = await follow(slot, { maxRowBytes: 8 * MIB });
    await sql(`insert into documents values (1, repeat('x', 200000000))`, `insert into documents values (2, 'small')`);
    await expect.poll(() => recorder.inserted(), { timeout: 90_000 }).toEqual(['2']);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MIB);
    await sql('drop table documents');
  });
});
