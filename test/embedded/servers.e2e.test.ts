import { Connection } from '@temporalio/client';
import { expect, inject, test } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../workflows/model/names.ts';
import { freshDatabase, withClient } from '../support/database.ts';

const servers = inject('servers');
const database = freshDatabase();

test('a file has a database of its own, on a server with logical replication', async () => {
  const { rows } = await withClient(database.url, (client) =>
    client.query(`select current_setting('wal_level') as level, current_database() as name`),
  );
  expect(rows).toEqual([{ level: 'logical', name: database.name }]);
});

test('Temporal knows the search attributes as soon as it answers', async () => {
  const connection = await Connection.connect({ address: servers.temporalAddress });
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
  await connection.close();
  expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining(Object.values(SEARCH_ATTRIBUTES)));
});

test('the S3 server has its bucket as soon as it answers, and refuses a stranger', async () => {
  const response = await fetch(`${servers.s3.endpoint}/${servers.s3.bucket}`);
  expect(response.status).toBe(403);
});
