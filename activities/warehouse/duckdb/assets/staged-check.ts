// Runs the blocking checks of a step between its compute and its publish, in the transaction of the compute: they see what it
// saw. A partition that breaks one is left out; what is published passes all of them together.

import type { AssetCheck } from '../../../../workflows/model/asset/check.ts';
import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../../../workflows/model/asset/partition.ts';
import { outputsOf } from '../../../../workflows/model/asset/partitioning.ts';
import type { Withheld } from '../../check-order.ts';
import { literal, qualified, quoted } from '../identifier.ts';
import { placeOfKeySql, placeSql } from '../partition-sql.ts';
import type { DuckDbSession } from '../session.ts';
import { newestRecord } from './check-result.ts';
import { type Finding, runCheck } from './check-run.ts';
import { columnTypes } from './column-type.ts';
import { CHANGED, CHECKED, PLANNED, STAGED, STAGED_PARTITION, WITHHELD } from './staging.ts';

type Key = PartitionKey | null;

interface Broken extends Finding {
  readonly check: AssetCheck;
}

export interface Audit {
  /** Partitions that break a blocking check: they are not published. */
  readonly withheld: readonly Withheld[];
  /** The asset's newest record that the checks saw; null without blocking checks. */
  readonly checkedUpTo: number | null;
}

interface Step {
  /** Partitions whose rows are staged, in order. */
  readonly keys: readonly Key[];
  /** The table is made again. */
  readonly reshaped: boolean;
}

const ROWS = { all: 'temp.main._walflow_this', fresh: 'temp.main._walflow_new' };

/**
 * Removes what breaks a blocking check from PLANNED, CHANGED and STAGED, and lists it in WITHHELD.
 * @throws CheckError when the SQL of a check fails: then nothing can be said of any partition.
 */
export async function auditStaged(
  session: DuckDbSession,
  asset: DerivedAsset,
  { keys, reshaped }: Step,
): Promise<Audit> {
  const checks = asset.checks.filter(({ blocking }) => blocking);
  if (checks.length === 0) return { withheld: [], checkedUpTo: null };
  const checkedUpTo = await newestRecord(session, asset.key);
  await session.run(`create or replace temp table ${WITHHELD} (partition VARCHAR)`);
  if (keys.length === 0) return { withheld: [], checkedUpTo };
  const exists = (await columnTypes(session, asset.place)).length > 0;
  await makeViews(session, asset, exists && !reshaped);
  const found = await new Auditor(session, asset, checks).withheld(keys, exists && reshaped);
  if (found.length > 0) await leaveOut(session, new Set(found.map(({ partition }) => partition)));
  return { withheld: found, checkedUpTo };
}

class Auditor {
  readonly #session: DuckDbSession;
  readonly #asset: DerivedAsset;
  readonly #checks: readonly AssetCheck[];

  constructor(session: DuckDbSession, asset: DerivedAsset, checks: readonly AssetCheck[]) {
    this.#session = session;
    this.#asset = asset;
    this.#checks = checks;
  }

  /** @param whole all partitions are published, or none */
  async withheld(keys: readonly Key[], whole: boolean): Promise<readonly Withheld[]> {
    await this.#take('true', 'true');
    const broken = await this.#broken(this.#checks);
    const [first, ...others] = keys;
    if (broken.length === 0 || first === undefined) return [];
    if (others.length === 0) return broken.map((one) => withheld(first, one));
    const found = await this.#brokenAlone(
      keys,
      // A partition alone never has as many rows as the whole: who is to blame shows with the old rows of the others.
      broken.map(({ check }) => check).filter(({ rule }) => rule.kind !== 'rowCount'),
    );
    const named = new Set(found.map(({ partition }) => partition));
    const rest = keys.filter((key) => !named.has(key));
    if (!whole) return [...found, ...(await this.#brokenTogether(rest))];
    const waits = rest.flatMap((key) =>
      broken.slice(0, 1).map((one) => withheld(key, { ...one, failing: 0, keys: [] })),
    );
    return [...found, ...waits];
  }

  /**
   * Each partition with what is not in the step: not with old rows of the step's other partitions, because a row that moves from
   * one to another would be in both.
   */
  async #brokenAlone(keys: readonly Key[], checks: readonly AssetCheck[]): Promise<readonly Withheld[]> {
    const found: Withheld[] = [];
    for (const key of keys) {
      await this.#take('true', inList([key]));
      found.push(...(await this.#broken(checks)).map((one) => withheld(key, one)));
    }
    return found;
  }

  /** What passes alone may break a check together, or with old rows that now stay: as many are kept as pass, in order. */
  async #brokenTogether(keys: readonly Key[]): Promise<readonly Withheld[]> {
    if (keys.length === 0 || (await this.#firstBroken(keys)) === null) return [];
    const good: Key[] = [];
    const found: Withheld[] = [];
    for (const key of keys) {
      const broken = await this.#firstBroken([...good, key]);
      if (broken === null) good.push(key);
      else found.push(withheld(key, broken));
    }
    return found;
  }

  async #firstBroken(keys: readonly Key[]): Promise<Broken | null> {
    await this.#take(inList(keys), inList(keys));
    const [first] = await this.#broken(this.#checks);
    return first ?? null;
  }

  async #broken(checks: readonly AssetCheck[]): Promise<readonly Broken[]> {
    const found: Broken[] = [];
    for (const check of checks) {
      const finding = await runCheck(this.#session, this.#asset, check, ROWS);
      if (finding.failing > 0) found.push({ check, ...finding });
    }
    return found;
  }

  /** Which partitions of the step lose their old rows, and which get their new ones; both are conditions. */
  async #take(replaced: string, taken: string): Promise<void> {
    const isStaged = this.#asset.definition.partitions === undefined ? 'true' : 'partition is not null';
    await this.#session.run(
      `create or replace temp table ${CHECKED} as select partition, ${replaced} as replaced, ${taken} as taken
       from temp.main.${PLANNED} where ${isStaged}`,
    );
  }
}

const withheld = (partition: Key, { check, failing, keys }: Broken): Withheld => ({
  ...{ check: check.name, partition, failing, keys },
});

/** Of the partitions of an asset that has partitions. */
const inList = (keys: readonly Key[]) => `partition in (${keys.map((key) => literal(key ?? '')).join(', ')})`;

/** What `{this}` and `{new}` stand for, by what CHECKED says. */
async function makeViews(session: DuckDbSession, asset: DerivedAsset, withOld: boolean): Promise<void> {
  const checked = (condition: string) => `from temp.main.${CHECKED} checked where ${condition}`;
  const fresh = `select * exclude (${STAGED_PARTITION}) from temp.main.${STAGED} staged
    where exists (${checked(`taken and checked.partition is not distinct from staged.${STAGED_PARTITION}`)})`;
  const { partitions } = asset.definition;
  const old =
    withOld && partitions !== undefined
      ? `select * from ${qualified(asset.place)} where (${placeSql(partitions, outputsOf(partitions).map(quoted))}
         in (select ${placeOfKeySql(partitions, 'partition')} ${checked('replaced')})) is not true union all `
      : '';
  // The views are bound when they are made.
  await session.run(`create or replace temp table ${CHECKED} (partition VARCHAR, replaced BOOLEAN, taken BOOLEAN)`);
  await session.run(`create or replace temp view _walflow_new as ${fresh}`);
  await session.run(`create or replace temp view _walflow_this as ${old}${fresh}`);
}

async function leaveOut(session: DuckDbSession, keys: ReadonlySet<Key>): Promise<void> {
  const values = [...keys].map((key) => `(${key === null ? 'null' : literal(key)})`);
  await session.run(`insert into temp.main.${WITHHELD} values ${values.join(', ')}`);
  for (const [table, column] of [
    [PLANNED, 'partition'],
    [CHANGED, 'partition'],
    [STAGED, STAGED_PARTITION],
  ]) {
    await session.run(
      `delete from temp.main.${table} rows where exists (
         from temp.main.${WITHHELD} withheld where withheld.partition is not distinct from rows.${column})`,
    );
  }
}
