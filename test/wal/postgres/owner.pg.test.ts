import { afterEach, beforeAll, expect, test } from 'vitest';
import { readOwnership, recordOwner, takeTurn } from '../../../activities/wal/postgres/owner.ts';
import { openSource, type Source } from '../../../activities/wal/postgres/source.ts';
import { freshDatabase, withClient } from '../../support/database.ts';

const database = freshDatabase();
const NAMES = { slot: 'walflow_shop', publication: 'walflow_shop' };
const OWNER = { lakeId: '11111111-1111-4111-8111-111111111111', slot: NAMES.slot };
const sources: Source[] = [];

const sql = (text: string) => withClient(database.url, (client) => client.query(text));

async function open(): Promise<Source> {
  const source = await openSource(database.url, 'walflow test');
  sources.push(source);
  return source;
}

beforeAll(() => sql('create publication walflow_shop'));
afterEach(async () => {
  for (const source of sources.splice(0)) await source.close();
});

test('a publication names its lake and slot, and keeps what others wrote there', async () => {
  const source = await open();
  await sql(`comment on publication walflow_shop is 'ask the platform team'`);
  expect((await readOwnership(source.connection, NAMES)).owner).toBeNull();
  await recordOwner(source, NAMES.publication, OWNER);
  expect(await readOwnership(source.connection, NAMES)).toMatchObject({ owner: OWNER, slots: [] });
  await recordOwner(source, NAMES.publication, { ...OWNER, slot: 'renamed' });
  expect((await readOwnership(source.connection, NAMES)).owner?.slot).toBe('renamed');
  const { rows } = await sql(`select obj_description(oid, 'pg_publication') as comment from pg_publication`);
  expect(rows[0].comment).toMatch(/^ask the platform team\nwalflow: fed into lake [^\n]* by slot renamed$/);
});

test('a publication that does not exist names nothing', async () => {
  const source = await open();
  expect(await readOwnership(source.connection, { slot: 's', publication: 'nosuch' })).toEqual({
    database: database.name,
    owner: null,
    slots: [],
  });
  await recordOwner(source, 'nosuch', OWNER);
});

test('a role that does not own the publication leaves it as it is', async () => {
  const role = `r_${database.name}`;
  const url = new URL(database.url);
  await sql(`create role ${role} login password 'x'; comment on publication walflow_shop is null`);
  [url.username, url.password] = [role, 'x'];
  const source = await openSource(url.href, 'walflow test');
  try {
    await recordOwner(source, NAMES.publication, OWNER);
    expect((await readOwnership(source.connection, NAMES)).owner).toBeNull();
  } finally {
    await source.close();
    await sql(`drop role ${role}`);
  }
});

test('two lakes do not prepare one slot at the same time; a turn ends with its connection', async () => {
  const [one, other] = [await open(), await open()];
  await takeTurn(one, NAMES.slot);
  await takeTurn(other, 'another_slot');
  await expect(takeTurn(other, NAMES.slot)).rejects.toMatchObject({ code: 'SLOT_BUSY' });
  await one.close();
  await expect
    .poll(() =>
      takeTurn(other, NAMES.slot).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
});
