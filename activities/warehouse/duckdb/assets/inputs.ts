// The positions of a derived asset's inputs in one transaction, for the record of its computation.

import type { AssetEdge, BaseAsset, DerivedAsset, ViewAsset } from '../../../../workflows/model/asset/graph.ts';
import type { MaterializationInput } from '../../../../workflows/model/asset/record.ts';
import type { LsnHex } from '../../../../workflows/model/lsn.ts';
import { NOTHING_MERGED } from '../../../../workflows/model/watermark.ts';
import { FLOWING } from '../../table-status.ts';
import { readTables } from '../merge/table-state.ts';
import type { DuckDbSession } from '../session.ts';
import { parseInputs } from '../stored-json.ts';
import { readWatermark } from '../watermark.ts';

export interface InputPosition {
  readonly asset: string;
  readonly seqTo: number;
  readonly lsnTo: LsnHex;
  /** Changes of the input up to this version were seen: of a captured table a manifest, of a derived asset a record. */
  readonly version: number;
}

/** One per table that is read, and one per view: as this transaction sees them. */
export async function readPositions(
  session: DuckDbSession,
  { inputs, reads }: DerivedAsset,
): Promise<readonly InputPosition[]> {
  const positions = new Map<string, InputPosition>();
  for (const { from } of inputs) {
    const { key } = from;
    if (!positions.has(key)) positions.set(key, { asset: key, ...(await positionOf(session, from)) });
  }
  const views = reads.flatMap(({ from }) => (from.tag === 'view' ? viewPosition(from, positions) : []));
  return [...positions.values(), ...views];
}

/** A view stands where the newest of its tables stands. Nothing is due by its own version: its tables have theirs. */
function viewPosition(
  { key, inputs }: ViewAsset,
  positions: ReadonlyMap<string, InputPosition>,
): InputPosition | readonly [] {
  const newest = inputs.reduce<InputPosition | undefined>((best, { from }: AssetEdge<BaseAsset>) => {
    const one = positions.get(from.key);
    return best === undefined || (one !== undefined && one.lsnTo > best.lsnTo) ? one : best;
  }, undefined);
  return newest === undefined ? [] : { ...newest, asset: key, version: 0 };
}

/**
 * The inputs of a record, each from where the previous record ended; an empty range means that only the code changed.
 * @param before JSON of the inputs of the newest record of the same partition; null = there is none.
 */
export function inputsSince(
  before: string | null,
  positions: readonly InputPosition[],
): readonly MaterializationInput[] {
  const past = before === null ? [] : parseInputs(before);
  return positions.map(({ asset, seqTo, lsnTo }) => {
    const last = past.find((input) => input.asset === asset);
    return {
      ...{ asset, seqTo, lsnTo },
      seqFrom: last === undefined ? 1 : last.seqTo + 1,
      lsnFrom: last?.lsnTo ?? NOTHING_MERGED.endLsn,
    };
  });
}

/** The number of the newest publish, of any asset: the next one gets a greater one. */
export async function newestNumber(session: DuckDbSession): Promise<number> {
  const [row] = await session.rows<{ no: string }>(
    `select greatest(0, (select max(no) from _walflow.materializations), (select max(no) from _walflow.partitions)) as no`,
  );
  return Number(row?.no ?? 0);
}

/**
 * The watermark, or the position of a table that does not stand at it: what loads it later may not move the watermark. For a
 * derived input, the newest position that it was made from.
 */
async function positionOf(session: DuckDbSession, input: BaseAsset): Promise<Omit<InputPosition, 'asset'>> {
  if (input.tag === 'derived') {
    return { ...(await derivedPosition(session, input.key)), version: await newestNumber(session) };
  }
  const [table] = await readTables(session, input.pipeline, input.table);
  if (table !== undefined && table.mergedTo !== null) {
    const { seq, lsn } = table.mergedTo;
    return { seqTo: seq, lsnTo: lsn, version: seq };
  }
  const { seq, endLsn } = await readWatermark(session, input.pipeline);
  const flows = table !== undefined && FLOWING.includes(table.state);
  return { seqTo: seq, lsnTo: endLsn, version: flows ? seq : 0 };
}

async function derivedPosition(session: DuckDbSession, asset: string): Promise<Pick<InputPosition, 'seqTo' | 'lsnTo'>> {
  const [row] = await session.rows<{ inputs: string }>(
    'select inputs from _walflow.materializations where asset = $1 order by no desc limit 1',
    [asset],
  );
  const inputs = row === undefined ? [] : parseInputs(row.inputs);
  const newest = inputs.reduce<MaterializationInput | null>(
    (best, one) => (best !== null && best.lsnTo > one.lsnTo ? best : one),
    null,
  );
  return { seqTo: newest?.seqTo ?? 0, lsnTo: newest?.lsnTo ?? NOTHING_MERGED.endLsn };
}
