import { afterEach, expect, it } from 'vitest';
import type { Blocker } from '../../../activities/wal/postgres/blockers.ts';
import { createSlot, dropSlot } from '../../../activities/wal/postgres/slot.ts';
import { openSource } from '../../../activities/wal/postgres/source.ts';
import { freshDatabase, withClient } from '../../support/database.ts';
import { freshPipelineName } from '../../support/unique.ts';
import { record } from '../replication-recorder.ts';

const database = freshDatabase();
const slots: string[] = [];

function newSlot(): string {
  const slot = freshPipelineName();
  slots.push(slot);
  return slot;
}

async function drop(slot: string, ownName = 'walflow shop stream'): Promise<void> {
  const source = await openSource(database.url, 'test');
  try {
    await dropSlot(source, slot, ownName);
  } finally {
    await source.close();
  }
}

afterEach(async () => {
  for (const slot of slots.splice(0)) await drop(slot);
});

it('creation waits for a running transaction and says for which', { timeout: 30_000 }, async () => {
  const slot = newSlot();
  const told: Blocker[][] = [];
  await withClient(database.url, async (client) => {
    await client.query(`set application_name = 'a long report'; begin; create table held (id int)`);
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const creation = createSlot(database.url, slot, { onWaiting: (blockers) => told.push([...blockers]) });
    await expect.poll(() => told.length, { timeout: 15_000 }).toBeGreaterThan(0);
    expect(told[0]).toEqual([
      expect.objectContaining({ pid: rows[0]?.pid, applicationName: 'a long report', state: 'idle in transaction' }),
    ]);
    await client.query('commit');
    expect((await creation).consistentPoint).toBeGreaterThan(0n);
  });
});

it('a slot is made to survive a failover where the server can do that', async () => {
  const slot = newSlot();
  await createSlot(database.url, slot, { onWaiting: () => {} });
  const failover = await withClient(database.url, async (client) => {
    const { rows } = await client.query(
      `select to_jsonb(s) ->> 'failover' as failover, current_setting('server_version_num')::int as version
       from pg_replication_slots s where slot_name = $1`,
      [slot],
    );
    return rows[0];
  });
  expect(failover.failover).toBe(failover.version >= 170_000 ? 'true' : null);
});

it('everything that commits at or after the consistent point is streamed, nothing before it', async () => {
  const slot = newSlot();
  await withClient(database.url, async (client) => {
    await client.query('create table numbers (id int primary key); create publication numbers for table numbers');
    await client.query('insert into numbers values (1)');
  });
  const { consistentPoint } = await createSlot(database.url, slot, { onWaiting: () => {} });
  await withClient(database.url, (client) => client.query('insert into numbers values (2)'));
  const recorder = await record({ url: database.url, slot, publications: ['numbers'] });
  await recorder.untilInserted(1);
  expect(recorder.inserted()).toEqual(['2']);
  expect(recorder.commitEnds()[0]).toBeGreaterThan(consistentPoint);
  await recorder.stream.stop();
});

it('dropping ends a walsender of ours, and drops nothing twice', async () => {
  const slot = newSlot();
  await withClient(database.url, (client) => client.query('create publication nothing'));
  await createSlot(database.url, slot, { onWaiting: () => {} });
  const applicationName = 'walflow shop stream';
  const recorder = await record({ url: database.url, slot, publications: ['nothing'], applicationName });
  await drop(slot);
  await expect(recorder.stream.closed).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
  await drop(slot);
});

it('dropping never ends a stranger\u2019s connection', async () => {
  const slot = newSlot();
  await withClient(database.url, (client) => client.query('create publication empty'));
  await createSlot(database.url, slot, { onWaiting: () => {} });
  const applicationName = 'someone else';
  const recorder = await record({ url: database.url, slot, publications: ['empty'], applicationName });
  await expect(drop(slot)).rejects.toMatchObject({
    code: 'SLOT_BUSY',
    message: expect.stringContaining(applicationName),
  });
  recorder.stream.ping();
  await expect.poll(() => recorder.keepalives.length).toBeGreaterThan(0);
  await recorder.stream.stop();
});

it('a slot that exists is not made a second time', async () => {
  const slot = newSlot();
  await createSlot(database.url, slot, { onWaiting: () => {} });
  await expect(createSlot(database.url, slot, { onWaiting: () => {} })).rejects.toMatchObject({
    code: 'SOURCE_REFUSED',
  });
});
