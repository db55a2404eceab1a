// Whom a backend waits for is named, also where there is no session any more: a prepared transaction.

import { beforeAll, describe, expect, it } from 'vitest';
import { type Blocker, watchingBlockers } from '../../../activities/wal/postgres/blockers.ts';
import { createSlot, dropSlot } from '../../../activities/wal/postgres/slot.ts';
import { openSource, type Source } from '../../../activities/wal/postgres/source.ts';
import { withClient } from '../../support/database.ts';
import { freshFolder } from '../../support/folder.ts';
import { freshPostgres } from '../../support/postgres-server.ts';

const PATIENCE = { timeout: 20_000 };

describe('blockers', { timeout: 60_000 }, () => {
  const server = freshPostgres(freshFolder());
  const told: (readonly Blocker[])[] = [];
  const onWaiting = (blockers: readonly Blocker[]) => void told.push(blockers);

  beforeAll(async () => {
    await withClient(server.url(), (client) => client.query('alter system set max_prepared_transactions = 5'));
    await server.stop();
    await server.start();
  });

  it('names a prepared transaction that a slot waits for, and nobody at the end', async () => {
    await withClient(server.url(), (client) =>
      client.query(`begin; create table left_over (id int); prepare transaction 'left over'`),
    );
    const creation = createSlot(server.url(), 'waiting', { onWaiting });
    await expect
      .poll(() => told.at(-1), PATIENCE)
      .toEqual([
        expect.objectContaining({ pid: null, prepared: 'left over', database: 'postgres', state: 'prepared' }),
      ]);
    await withClient(server.url(), (client) => client.query(`commit prepared 'left over'`));
    await creation;
    expect(told.at(-1)).toEqual([]);
    await withSource((source) => dropSlot(source, 'waiting', 'nobody'));
  });

  it('names sessions and prepared transactions that hold a lock on a table', async () => {
    await withClient(server.url(), (client) => client.query('create table locked (id int)'));
    await withClient(server.url(), (client) =>
      client.query(`begin; lock table locked in share mode; select pg_current_xact_id();
        prepare transaction 'locks'`),
    );
    await withClient(server.url(), async (client) => {
      await client.query(`set application_name = 'a report'; begin; lock table locked in share mode`);
      await withSource(async (source) => {
        const { connection } = source;
        const alter = () => connection.rows('alter table public.locked add note text');
        const altered = watchingBlockers(server.url(), connection, onWaiting, alter);
        await expect
          .poll(
            () =>
              told
                .at(-1)
                ?.map(({ prepared, applicationName }) => prepared ?? applicationName)
                .sort(),
            PATIENCE,
          )
          .toEqual(['a report', 'locks']);
        await client.query('commit');
        await client.query(`rollback prepared 'locks'`);
        await altered;
        expect(told.at(-1)).toEqual([]);
      });
    });
  });

  async function withSource(work: (source: Source) => Promise<void>): Promise<void> {
    const source = await openSource(server.url(), 'test');
    try {
      await work(source);
    } finally {
      await source.close();
    }
  }
});
