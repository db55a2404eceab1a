// Runs the checks that are not blocking over what is published. They change nothing but the marks of the asset and of the records
// of the run. Idempotent: each runs once after a publish, also if the process was killed in between.

import type { AssetCheck } from '../../../../workflows/model/asset/check.ts';
import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { CheckMark } from '../../../../workflows/model/asset/record.ts';
import type { MaterializeOrder } from '../../asset-order.ts';
import type { DuckDbOwner } from '../client.ts';
import { literal, qualified } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';
import { newestRecord, noteOutcome } from './check-result.ts';
import { CheckError, runCheck } from './check-run.ts';

type Outcome = Parameters<typeof noteOutcome>[2];

/** @returns the checks that did not pass. */
export async function checkPublished(owner: DuckDbOwner, order: MaterializeOrder): Promise<readonly CheckMark[]> {
  const { asset, run } = order;
  if (asset.checks.every(({ blocking }) => blocking)) return [];
  return await owner.steps.pass(() =>
    owner.use(async (session) => {
      const outcomes: Outcome[] = [];
      for (const check of await dueChecks(session, asset)) outcomes.push(await outcomeOf(session, asset, check));
      if (outcomes.length === 0) return [];
      const marks = outcomes.flatMap(({ check: { name }, state }) =>
        state === 'passed' || state === 'unknown' ? [] : [{ name, state }],
      );
      await owner.publishing.pass(() =>
        session.transaction(async () => {
          for (const outcome of outcomes) await noteOutcome(session, order, outcome);
          if (marks.length > 0) await markRecords(session, asset.key, run.runId, marks);
        }),
      );
      return marks;
    }),
  );
}

/** Those that have not seen the newest publish. */
async function dueChecks(session: DuckDbSession, { key, checks }: DerivedAsset): Promise<readonly AssetCheck[]> {
  const newest = await newestRecord(session, key);
  if (newest === 0) return [];
  const seen = await session.rows<{ name: string }>(
    `select name from _walflow.checks where asset = $1 and partition is null and up_to >= $2`,
    [key, newest],
  );
  const done = new Set(seen.map(({ name }) => name));
  return checks.filter(({ name, blocking }) => !blocking && !done.has(name));
}

async function outcomeOf(session: DuckDbSession, asset: DerivedAsset, check: AssetCheck): Promise<Outcome> {
  let upTo = 0;
  try {
    return await session.transaction(async () => {
      upTo = await newestRecord(session, asset.key);
      const finding = await runCheck(session, asset, check, { all: qualified(asset.place), fresh: null });
      const state = finding.failing === 0 ? 'passed' : check.severity === 'warn' ? 'warned' : 'failed';
      return { check, partition: null, state, upTo, attempts: 1, ...finding };
    });
  } catch (cause) {
    if (!(cause instanceof CheckError)) throw cause;
    return { check, partition: null, state: 'error', upTo, attempts: 1, failing: 0, keys: [], error: cause.message };
  }
}

async function markRecords(session: DuckDbSession, asset: string, runId: string, marks: readonly CheckMark[]) {
  await session.run(
    `update _walflow.materializations set checks = ${literal(JSON.stringify(marks))}::JSON
     where asset = ${literal(asset)} and run_id = ${literal(runId)}`,
  );
}
