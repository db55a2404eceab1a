// kill -9 of ingest, warehouse and both at random moments, under load over three tables. Afterwards source and warehouse
// are equal by value and the log holds every change exactly once. (Chosen moments: kill-ingest, kill-warehouse.)

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase } from './support/database.ts';
import { freshFolder } from './support/folder.ts';
import { expectEqual, expectExactLog } from './support/oracle.ts';
import { createRig, type Rig, type Role, type WorkerProcess } from './support/rig.ts';
import { prepareTraffic, startTraffic, TRAFFIC_TABLES } from './support/traffic.ts';

const ROWS_PER_SECOND = 2_500;

describe('kill -9 under load', { timeout: 240_000 }, () => {
  const { url } = freshDatabase();
  const folder = freshFolder();
  let rig: Rig;
  const workers = new Map<Role, WorkerProcess>();

  beforeAll(async () => {
    await prepareTraffic(url);
    rig = await createRig({ url, folder, tables: TRAFFIC_TABLES });
    for (const role of ['ingest', 'warehouse'] as const) workers.set(role, rig.start(role));
    await rig.caughtUp();
  }, 120_000);
  afterAll(async () => {
    await rig?.close();
  });

  const killAndRestart = async (roles: readonly Role[]) => {
    await Promise.all(roles.map((role) => workers.get(role)?.kill()));
    for (const role of roles) workers.set(role, rig.start(role));
  };

  test('random moments: ingest, warehouse, both', async () => {
    const traffic = startTraffic(url, ROWS_PER_SECOND);
    for (const roles of [['ingest'], ['warehouse'], ['ingest', 'warehouse']] as const) {
      await sleep(2_000 + Math.random() * 2_000);
      const before = traffic.rows;
      await killAndRestart(roles);
      await expect.poll(() => traffic.rows, { timeout: 10_000 }).toBeGreaterThan(before);
    }
    await sleep(3_000);
    await traffic.stop();
    expect(traffic.rows, 'rows in flight while workers died').toBeGreaterThan(10_000);
    await rig.caughtUp();
    await expectEqual(rig);
    await expectExactLog(rig, folder);
  });
});
