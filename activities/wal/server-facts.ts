// What a server must be like before walflow can use it: version, role in replication, settings. Pure: one row of settings
// in, every obstacle out.

import { type ErrorCode, WalflowError } from '../../workflows/model/errors.ts';

export interface ServerFacts {
  /** server_version_num: 170010 is 17.10. */
  readonly version: number;
  readonly versionText: string;
  readonly walLevel: string;
  readonly standby: boolean;
  readonly maxSlots: number;
  readonly slots: number;
  /** Our own slot is among them. */
  readonly slotExists: boolean;
  readonly user: string;
  /** May the role create objects (a publication) in this database? */
  readonly mayCreate: boolean;
  /** The database has no encoding (SQL_ASCII). */
  readonly unencoded: boolean;
}

/** From this version on, publications of partitioned tables, error texts and replication options are what walflow needs. */
export const OLDEST_VERSION = 150_000;

/** Every obstacle that lies in the server itself. */
export function serverObstacles(facts: ServerFacts): WalflowError[] {
  const obstacles: WalflowError[] = [];
  const found = (code: ErrorCode, message: string) => obstacles.push(new WalflowError(code, message));
  if (facts.version < OLDEST_VERSION) found('SOURCE_TOO_OLD', `the source runs PostgreSQL ${facts.versionText}`);
  if (facts.standby) found('SOURCE_IS_STANDBY', 'the source is a standby (it is in recovery)');
  if (facts.walLevel !== 'logical') found('SOURCE_WAL_LEVEL', `wal_level is ${facts.walLevel} on the source`);
  if (!facts.slotExists && facts.slots >= facts.maxSlots) {
    found('SOURCE_NO_FREE_SLOT', `all ${facts.maxSlots} replication slots of the source are taken`);
  }
  return obstacles;
}

/** What the user should know about the server. */
export function serverNotices({ unencoded }: ServerFacts): string[] {
  if (!unencoded) return [];
  return [
    'the database has no encoding (SQL_ASCII), so its texts can be any bytes: the table of one that is not UTF-8 is paused',
  ];
}
