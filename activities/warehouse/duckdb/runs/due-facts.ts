// Why an asset is due, and what keeps automation from running it: what a decision goes by, for one asset.

import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import { isoFromMicros } from '../../../../workflows/model/commit-time.ts';
import { DUE_CAUSES, type DueCause, type DueFacts } from '../../run-order.ts';
import { readyAssets } from '../assets/assets.ts';
import { statesSql } from '../assets/staleness-sql.ts';
import type { DuckDbOwner } from '../client.ts';
import { literal } from '../identifier.ts';
import { eagerSql } from './eager-sql.ts';
import { restingAssets } from './resting.ts';
import { readLiveRuns } from './run-record.ts';

type CountsRow = Readonly<Record<DueCause | 'current' | 'wanted' | 'listed', string>> & {
  readonly searches: boolean | null;
};

export async function dueFacts(owner: DuckDbOwner, asset: DerivedAsset, nowMs: number): Promise<DueFacts> {
  return await owner.use((session) =>
    session.transaction(async () => {
      const isOwn = '(partition is not null or not partitioned)';
      const wanted = asset.definition.automation === undefined ? 'false' : `(${eagerSql([asset], nowMs)})`;
      const causes = DUE_CAUSES.map((cause) => `count(*) filter (cause = '${cause}' and ${isOwn}) as ${cause}`);
      const [row] = await session.rows<CountsRow>(
        `select ${causes.join(', ')}, count(*) filter (state = 'current' and ${isOwn}) as current,
           count(*) filter (${wanted} and ${isOwn}) as wanted, bool_or(${wanted} and not ${isOwn}) as searches,
           (select count(*) from _walflow.planned where asset = ${literal(asset.key)}) as listed
         from (${statesSql([asset])})`,
      );
      const live = await readLiveRuns(session);
      const untilMs = (await restingAssets(session, [asset], nowMs)).get(asset.key);
      const count = (of: DueCause | 'current' | 'wanted' | 'listed') => Number(row?.[of] ?? 0);
      return {
        current: count('current'),
        causes: { missing: count('missing'), touched: count('touched'), code: count('code'), whole: count('whole') },
        ...{ wanted: count('wanted'), searches: row?.searches === true, listed: count('listed') },
        runs: live.filter(({ choosing }) => choosing.includes(asset.key)).map(({ id }) => id),
        restsUntil: untilMs === undefined ? null : isoFromMicros(untilMs * 1000),
        ready: (await readyAssets(session, [asset])).length > 0,
      };
    }),
  );
}
