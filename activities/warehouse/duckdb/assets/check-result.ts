// What checks found, in `_walflow.checks`: one row for each check with what it found last, and one for each partition that a
// blocking check keeps from being published. A partition that passes needs none, so there are few, however many partitions.

import type { AssetCheck } from '../../../../workflows/model/asset/check.ts';
import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import type { RunRef } from '../../../../workflows/model/run.ts';
import type { CheckResult, CheckState, Withheld } from '../../check-order.ts';
import { isoText } from '../catalog-sql.ts';
import type { DuckDbOwner } from '../client.ts';
import { literal } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';
import { parseKeys } from '../stored-json.ts';
import type { CheckError, Finding } from './check-run.ts';
import { ruleVersionOf } from './check-sql.ts';
import { PLANNED, WITHHELD } from './staging.ts';

const PARTITIONS_SHOWN = 100;

/** One row of the table, but for the asset and the run. */
interface Outcome extends Finding {
  readonly check: AssetCheck;
  readonly partition: string | null;
  readonly state: CheckState;
  readonly error?: string;
  /** The newest record of the asset that it saw. */
  readonly upTo: number;
  /** How many times in a row it was held back. */
  readonly attempts: number;
}

interface Author {
  readonly asset: DerivedAsset;
  readonly run: RunRef;
}

/** In the transaction of the publish: what the blocking checks of the step found, and which partitions still have no rows. */
export async function noteAudit(session: DuckDbSession, author: Author, withheld: readonly Withheld[]): Promise<void> {
  const { asset } = author;
  const checks = asset.checks.filter(({ blocking }) => blocking);
  if (checks.length === 0) return;
  const step = `select partition from temp.main.${PLANNED} union all select partition from temp.main.${WITHHELD}`;
  const attempts = await readAttempts(session, asset.key);
  await session.run(
    `delete from _walflow.checks where asset = ${literal(asset.key)}
     and name in (${checks.map(({ name }) => literal(name)).join(', ')})
     and (partition is null or partition in (${step}))`,
  );
  const upTo = await newestRecord(session, asset.key);
  const outcomes = checks.flatMap((check): readonly Outcome[] => {
    const found = withheld.filter((one) => one.check === check.name);
    const failing = found.reduce((sum, one) => sum + one.failing, 0);
    const keys = found.length === 1 ? (found[0]?.keys ?? []) : [];
    const state = found.length === 0 ? 'passed' : 'failed';
    return [
      { check, partition: null, state, failing, keys, upTo, attempts: 1 },
      ...found.flatMap(({ partition, ...one }): readonly Outcome[] =>
        partition === null
          ? []
          : [{ ...one, check, partition, state, upTo, attempts: (attempts.get(partition) ?? 0) + 1 }],
      ),
    ];
  });
  await insertOutcomes(session, author, outcomes);
  // A partition that was found by a search is known from then on: the search does not find it again.
  await session.run(
    `insert into _walflow.partitions by name
     select ${literal(asset.key)} as asset, partition, 0 as no, 0 as version,
       map([]::VARCHAR[], []::BIGINT[]) as positions, '' as code_version, '' as run_id, now() as computed_at
     from temp.main.${WITHHELD} withheld where partition is not null and not exists (
       from _walflow.partitions known where known.asset = ${literal(asset.key)} and known.partition = withheld.partition)`,
  );
}

async function readAttempts(session: DuckDbSession, asset: string): Promise<ReadonlyMap<string, number>> {
  const rows = await session.rows<{ partition: string; attempts: number }>(
    `select partition, max(attempts) as attempts from _walflow.checks semi join temp.main.${WITHHELD} using (partition)
     where asset = ${literal(asset)} group by partition`,
  );
  return new Map(rows.map(({ partition, attempts }) => [partition, attempts]));
}

/** In a transaction of its own: what one check found, over all of the asset; nothing if newer rows were checked meanwhile. */
export async function noteOutcome(session: DuckDbSession, author: Author, outcome: Outcome): Promise<void> {
  const [asset, name] = [author.asset.key, outcome.check.name];
  const same = `asset = ${literal(asset)} and name = ${literal(name)} and partition is null`;
  const newer = await session.rows(`select 1 from _walflow.checks where ${same} and up_to > ${outcome.upTo}`);
  if (newer.length > 0) return;
  await session.run(`delete from _walflow.checks where ${same}`);
  await insertOutcomes(session, author, [outcome]);
}

/** A blocking check whose SQL failed: nothing was published. @returns the failure to report */
export async function noteBroken(owner: DuckDbOwner, author: Author, failure: CheckError): Promise<WalflowError> {
  const { asset } = author;
  const check = asset.checks.find(({ name }) => name === failure.check);
  if (check !== undefined) {
    await owner.publishing.pass(() =>
      owner.use((session) =>
        session.transaction(async () => {
          const upTo = await newestRecord(session, asset.key);
          const finding = { state: 'error', failing: 0, keys: [], error: failure.message } as const;
          await noteOutcome(session, author, { check, partition: null, upTo, attempts: 1, ...finding });
        }),
      ),
    );
  }
  return new WalflowError(
    'ASSET_CHECK_FAILED',
    `check ${failure.check} of ${asset.key} did not run: ${failure.message}`,
    {
      cause: failure,
      hint: 'correct the SQL of the check',
    },
  );
}

async function insertOutcomes(session: DuckDbSession, { asset, run }: Author, outcomes: readonly Outcome[]) {
  const rows = outcomes.map(({ check, partition, state, failing, keys, error, upTo, attempts }) => {
    const texts = [asset.key, check.name, ruleVersionOf(check), partition, state, JSON.stringify(keys), error ?? null];
    const [key, name, rule, part, as, json, why] = texts.map((text) => (text === null ? 'null' : literal(text)));
    return `(${[key, name, rule, part, as, failing, json, why, upTo, attempts, 'now()', literal(run.runId)].join(', ')})`;
  });
  await session.run(
    `insert into _walflow.checks (asset, name, rule, partition, state, failing, keys, error, up_to, attempts, checked_at, run_id)
     values ${rows.join(', ')}`,
  );
}

/** Number of the newest publish of an asset; 0 = there is none. */
export async function newestRecord(session: DuckDbSession, asset: string): Promise<number> {
  const [row] = await session.rows<{ no: string }>(
    'select coalesce(max(no), 0) as no from _walflow.partitions where asset = $1',
    [asset],
  );
  return Number(row?.no ?? 0);
}

/** Other code may pass: what was held back is tried at once. */
export async function endRests(session: DuckDbSession, asset: string): Promise<void> {
  await session.run('update _walflow.checks set attempts = 0 where asset = $1', [asset]);
}

/** Forgets what other rules than these have found. */
export async function forgetOtherRules(session: DuckDbSession, assets: readonly DerivedAsset[]): Promise<void> {
  const rules = assets.flatMap(({ key, checks }) =>
    checks.map((check) => literal([key, check.name, ruleVersionOf(check)].join('\n'))),
  );
  const others = rules.length === 0 ? 'true' : `concat_ws(chr(10), asset, name, rule) not in (${rules.join(', ')})`;
  await session.run(`delete from _walflow.checks where ${others}`);
}

interface StoredResult extends Pick<CheckResult, 'asset' | 'name' | 'state' | 'at'> {
  readonly partition: string | null;
  readonly failing: string;
  readonly keys: string;
  readonly error: string | null;
  readonly runId: string;
  /** Over all rows of the check with or without a partition. */
  readonly count: string;
  readonly sum: string;
}

/** What the checks of these assets found last, in the order of their definitions. */
export async function listChecks(owner: DuckDbOwner, assets: readonly DerivedAsset[]): Promise<readonly CheckResult[]> {
  const checked = assets.filter(({ checks }) => checks.length > 0);
  if (checked.length === 0) return [];
  const group = 'partition by asset, name, partition is null';
  const rows = await owner.use((session) =>
    session.rows<StoredResult>(
      `select asset, name, partition, state, failing, keys, error, ${isoText('checked_at')} as at, run_id as "runId",
         count(*) over (${group}) as count, sum(failing) over (${group})::BIGINT as sum
       from _walflow.checks where asset in (${checked.map(({ key }) => literal(key)).join(', ')})
       qualify row_number() over (${group} order by length(partition), partition) <= ${PARTITIONS_SHOWN}
       order by length(partition), partition`,
    ),
  );
  const found = Map.groupBy(rows, ({ asset, name }) => JSON.stringify([asset, name]));
  return checked.flatMap(({ key, checks }) =>
    checks.map((check) => resultOf(key, check, found.get(JSON.stringify([key, check.name])) ?? [])),
  );
}

function resultOf(asset: string, check: AssetCheck, rows: readonly StoredResult[]): CheckResult {
  const { name, severity, blocking } = check;
  const last = rows.find(({ partition }) => partition === null);
  const kept = rows.flatMap(({ partition, failing, keys }) =>
    partition === null ? [] : [{ partition, failing: Number(failing), keys: parseKeys(keys) }],
  );
  const held = rows.find(({ partition }) => partition !== null);
  return {
    ...{ asset, name, severity, blocking },
    state: held === undefined ? (last?.state ?? 'unknown') : 'failed',
    failing: Number(held?.sum ?? last?.failing ?? 0),
    keys: last === undefined ? [] : parseKeys(last.keys),
    ...(last?.error == null ? {} : { error: last.error }),
    at: last?.at ?? null,
    ...(last === undefined ? {} : { runId: last.runId }),
    partitions: kept,
    partitionCount: Number(held?.count ?? 0),
  };
}
