// Assets that automation leaves alone for a while: one that fails in its runs rests twice as long each time, until it succeeds, is
// run by hand, or has other code. One that was cancelled rests too: else it would start again at once.

import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import { literal } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';

const FIRST_REST_MS = 60_000;
const LONGEST_REST_MS = 3_600_000;

/** @returns until when each rests, in milliseconds */
export async function restingAssets(
  session: DuckDbSession,
  eager: readonly DerivedAsset[],
  nowMs: number,
): Promise<ReadonlyMap<string, number>> {
  // What a check keeps from being published rests partition by partition.
  const divided = eager.flatMap(({ key, definition }) => (definition.partitions === undefined ? [] : [literal(key)]));
  const withheld = divided.length === 0 ? 'false' : `reason = 'withheld' and asset in (${divided.join(', ')})`;
  const rows = await session.rows<{ asset: string; failures: string; last: string }>(
    `with ended as (
       select steps.asset, steps.status, steps.reason, steps.ended_at, created_at, cause->>'kind' as kind
       from _walflow.steps join _walflow.assets declared using (asset, code_version) join _walflow.runs on id = run
       where steps.ended_at > to_timestamp(${nowMs} / 1000) - interval 1 day),
     cleared as (
       select asset, max(case when kind = 'manual' then created_at when status in ('succeeded', 'unchanged') then ended_at end) as good_at
       from ended group by asset)
     select asset, count(*) as failures, epoch_ms(max(ended_at)) as last from ended join cleared using (asset)
     where kind = 'automation' and status in ('failed', 'cancelled') and not coalesce(${withheld}, false)
       and (good_at is null or ended_at > good_at) group by asset`,
  );
  const rests = rows.map(({ asset, failures, last }) => {
    const restMs = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** (Number(failures) - 1));
    return [asset, Number(last) + restMs] as const;
  });
  return new Map(rests.filter(([, untilMs]) => nowMs < untilMs));
}
