// From what to what a materialization read each of its inputs: up to the watermark its transaction sees, from where the
// previous materialization of the same partition ended.

import type { AssetNode, DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../../../workflows/model/asset/partition.ts';
import type { MaterializationInput } from '../../../../workflows/model/asset/record.ts';
import type { LsnHex } from '../../../../workflows/model/lsn.ts';
import { NOTHING_MERGED } from '../../../../workflows/model/watermark.ts';
import { readTables } from '../merge/table-state.ts';
import type { DuckDbSession } from '../session.ts';
import { readWatermark } from '../watermark.ts';

interface InputPosition {
  readonly asset: string;
  readonly seqTo: number;
  readonly lsnTo: LsnHex;
}

type PastInputs = readonly Pick<MaterializationInput, 'asset' | 'seqTo' | 'lsnTo'>[];

export class InputReader {
  readonly #positions: readonly InputPosition[];
  readonly #past: ReadonlyMap<PartitionKey | null, PastInputs>;

  constructor(positions: readonly InputPosition[], past: ReadonlyMap<PartitionKey | null, PastInputs>) {
    this.#positions = positions;
    this.#past = past;
  }

  static async open(session: DuckDbSession, { key, inputs }: DerivedAsset): Promise<InputReader> {
    const positions: InputPosition[] = [];
    for (const { from } of inputs) positions.push({ asset: from.key, ...(await positionOf(session, from)) });
    const rows = await session.rows<{ day: PartitionKey | null; inputs: string }>(
      `select partition::VARCHAR as day, inputs from _walflow.materializations where asset = $1
       qualify row_number() over (partition by partition order by no desc) = 1`,
      [key],
    );
    return new InputReader(positions, new Map(rows.map((row) => [row.day, JSON.parse(row.inputs) as PastInputs])));
  }

  /** The inputs of a partition's next record; an empty range says that only the code changed. */
  since(day: PartitionKey | null): readonly MaterializationInput[] {
    const past = this.#past.get(day) ?? [];
    return this.#positions.map((position) => {
      const before = past.find((input) => input.asset === position.asset);
      return {
        ...position,
        seqFrom: before === undefined ? 1 : before.seqTo + 1,
        lsnFrom: before?.lsnTo ?? NOTHING_MERGED.endLsn,
      };
    });
  }
}

/** Where an input stands in this transaction: the watermark, unless the table does not follow it. */
async function positionOf(session: DuckDbSession, input: AssetNode): Promise<Omit<InputPosition, 'asset'>> {
  if (input.tag === 'derived') return await derivedPosition(session, input.key);
  const [table] = await readTables(session, input.pipeline, input.table);
  if (table !== undefined && table.mergedTo !== null) return { seqTo: table.mergedTo.seq, lsnTo: table.mergedTo.lsn };
  const watermark = await readWatermark(session, input.pipeline);
  return { seqTo: watermark.seq, lsnTo: watermark.endLsn };
}

/** A derived input stands where the newest thing it was made from stood. */
async function derivedPosition(session: DuckDbSession, asset: string): Promise<Omit<InputPosition, 'asset'>> {
  const rows = await session.rows<{ inputs: string }>(
    'select inputs from _walflow.materializations where asset = $1 order by no desc limit 1',
    [asset],
  );
  const inputs = rows.flatMap((row) => JSON.parse(row.inputs) as PastInputs);
  const newest = inputs.reduce<InputPosition | null>(
    (best, one) => (best !== null && best.lsnTo > one.lsnTo ? best : one),
    null,
  );
  return { seqTo: newest?.seqTo ?? 0, lsnTo: newest?.lsnTo ?? NOTHING_MERGED.endLsn };
}
