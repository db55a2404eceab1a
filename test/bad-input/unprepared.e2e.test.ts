// Everything a pipeline needs is missing at first, and appears piece by piece while the workers run: each time they say what
// is missing now, none of them ends, and the last piece sets the pipeline going.

import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { createRig, type Rig, type WorkerProcess } from '../support/rig.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { freshPipelineName } from '../support/unique.ts';
import { change, expectGoesOn, prepareTables, reasonWith, seen, TABLES } from './stand-still.ts';

describe('a pipeline whose parts are not there', { timeout: 300_000 }, () => {
  const database = freshDatabase();
  const folder = freshFolder();
  const bucket = freshPipelineName();
  const role = freshPipelineName();
  let proxy: TcpProxy;
  let rig: Rig;
  let workers: readonly WorkerProcess[];

  const sql = (text: string) => withClient(database.url, (client) => client.query(text));
  /** What is repaired is looked at now, not at the end of the pause between two attempts. */
  const lookAgain = () => rig.signal('resume');

  beforeAll(async () => {
    const url = new URL(database.url);
    proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
    proxy.refuse();
    rig = await createRig({
      url: `postgres://${role}:secret@${proxy.address}/${database.name}`,
      folder,
      tables: TABLES,
      bucket,
    });
    workers = [rig.start('ingest'), rig.start('warehouse')];
  }, 120_000);
  afterAll(async () => {
    // The rig drops its slot through the proxy.
    proxy?.heal();
    await sql(
      `do $$ begin create role ${role} login superuser password 'secret'; exception when duplicate_object then end $$`,
    );
    await rig?.close();
    await proxy?.close();
    await sql(`drop owned by ${role} cascade`);
    await sql(`drop role ${role}`);
  });

  test('says which part is missing, one after the other, and begins when the last one is there', async () => {
    expect(await reasonWith(rig, 'SOURCE_UNREACHABLE')).toContain(proxy.address);
    expect(await seen(rig)).toMatchObject({ state: 'waiting-to-retry' });
    const { code, output } = await rig.run('status');
    expect({ code, output }).toEqual({
      code: 0,
      output: expect.stringMatching(/waiting-to-retry[\s\S]*: error: .* hint: .*\(SOURCE_UNREACHABLE\)/),
    });

    proxy.heal();
    await lookAgain();
    expect(await reasonWith(rig, 'SOURCE_LOGIN_FAILED')).not.toContain('secret');
    await sql(`create role ${role} login superuser password 'secret'`);
    await lookAgain();
    // Before anything on the source is looked at further, the lake says whether the source is its own.
    expect(await reasonWith(rig, 'LAKE_BUCKET_MISSING')).toContain(bucket);
    const { endpoint, region, accessKeyId, secretAccessKey } = inject('servers').s3;
    const credentials = { accessKeyId, secretAccessKey };
    const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    await lookAgain();
    expect(await reasonWith(rig, 'SOURCE_TABLE_MISSING')).toContain('public.items');
    await prepareTables(rig.url);
    await lookAgain();
    await expectGoesOn(rig);
    expect(workers.map((worker) => worker.alive)).toEqual([true, true]);
  });

  test('a source that goes away comes back without anybody’s help', async () => {
    proxy.refuse();
    await reasonWith(rig, 'SOURCE_UNREACHABLE');
    await withClient(database.url, (client) => client.query(`insert into items (name) values ('unseen')`));
    proxy.heal();
    await change(rig.url, 'seen again');
    await expectGoesOn(rig);
  });

  test('a store that goes away comes back without anybody’s help', async () => {
    rig.s3.before = () => 'drop';
    await change(rig.url, 'while the store is away');
    await reasonWith(rig, 'LAKE_UNREACHABLE');
    rig.s3.before = () => undefined;
    await expectGoesOn(rig);
  });
});
