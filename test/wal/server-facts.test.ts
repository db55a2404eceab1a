import { expect, it } from 'vitest';
import { type ServerFacts, serverNotices, serverObstacles } from '../../activities/wal/server-facts.ts';

const GOOD: ServerFacts = {
  version: 170_010,
  versionText: '17.10',
  walLevel: 'logical',
  standby: false,
  maxSlots: 10,
  slots: 3,
  slotExists: false,
  user: 'walflow',
  mayCreate: true,
  unencoded: false,
};

const codesOf = (change: Partial<ServerFacts>) => serverObstacles({ ...GOOD, ...change }).map((error) => error.code);

it('finds nothing wrong with a server that is ready', () => {
  expect(codesOf({})).toEqual([]);
});

it.each<[string, Partial<ServerFacts>, string]>([
  ['an old version', { version: 140_020, versionText: '14.20' }, 'SOURCE_TOO_OLD'],
  ['a standby', { standby: true }, 'SOURCE_IS_STANDBY'],
  ['a log without logical information', { walLevel: 'replica' }, 'SOURCE_WAL_LEVEL'],
  ['no free slot', { slots: 10 }, 'SOURCE_NO_FREE_SLOT'],
])('names %s', (_, change, code) => {
  expect(codesOf(change)).toEqual([code]);
});

it('needs no free slot when its own exists', () => {
  expect(codesOf({ slots: 10, slotExists: true })).toEqual([]);
});

it('names everything at once', () => {
  expect(codesOf({ version: 90_600, standby: true, walLevel: 'minimal', slots: 10 })).toHaveLength(4);
});

it('says what a database without an encoding means', () => {
  expect(serverNotices(GOOD)).toEqual([]);
  expect(serverNotices({ ...GOOD, unencoded: true })).toEqual([expect.stringContaining('SQL_ASCII')]);
});
