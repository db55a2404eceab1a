import pg from 'pg';
import { expect, it } from 'vitest';
import { createSlot, dropSlot } from '../../../activities/wal/postgres/slot.ts';
import { openSource } from '../../../activities/wal/postgres/source.ts';
import { encodeStandbyStatus } from '../../../activities/wal/standby-status.ts';
import { freshDatabase, withClient } from '../../support/database.ts';
import { freshPipelineName } from '../../support/unique.ts';
import { record } from '../replication-recorder.ts';

const database = freshDatabase();
const SILENCE_MS = 27_000;

/** A walsender of the given name that answers once and then never again, as that of a stopped process does. */
async function startSilentStream(slot: string, applicationName: string): Promise<pg.Client> {
  const config = { connectionString: database.url, application_name: applicationName, replication: 'database' };
  const client = new pg.Client(config);
  client.on('error', () => {});
  await client.connect();
  const { connection } = client as unknown as {
    connection: { once(event: string, listener: () => void): void; sendCopyFromChunk(chunk: Buffer): void };
  };
  const started = new Promise<void>((resolve) => connection.once('replicationStart', resolve));
  client
    .query(`START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names 'numbers')`)
    .catch(() => {});
  await started;
  connection.sendCopyFromChunk(
    encodeStandbyStatus({ received: 0n, flushed: 0n, settled: 0n, replyRequested: false, nowMs: 0 }),
  );
  return client;
}

it('takes the slot over from a stream of the same pipeline that fell silent', { timeout: 60_000 }, async () => {
  const slot = freshPipelineName();
  await withClient(database.url, (client) => client.query('create publication numbers'));
  await createSlot(database.url, slot, { onWaiting: () => {} });
  const silent = await startSilentStream(slot, 'walflow shop stream');
  await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
  const recorder = await record({
    url: database.url,
    slot,
    publications: ['numbers'],
    applicationName: 'walflow shop stream',
  });
  recorder.stream.ping();
  await expect.poll(() => recorder.keepalives.length).toBeGreaterThan(0);
  await recorder.stream.stop();
  await silent.end();
  const source = await openSource(database.url, 'test');
  await dropSlot(source, slot, 'walflow shop stream');
  await source.close();
});
