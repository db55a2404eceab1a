// Where a pipeline stands in this warehouse. Moving it is the first statement of every merge transaction: of two merges
// that read the same watermark, one finds no row to update and ends.

import { WalflowError } from '../../../workflows/model/errors.ts';
import { lsnToHex, parseLsn } from '../../../workflows/model/lsn.ts';
import { NOTHING_MERGED, type Watermark } from '../../../workflows/model/watermark.ts';
import { isoText } from './catalog-sql.ts';
import { isConflict } from './failure.ts';
import { literal, momentSql } from './identifier.ts';
import type { DuckDbSession } from './session.ts';

/** `NOTHING_MERGED` for a pipeline this warehouse has never seen. */
export async function readWatermark(session: DuckDbSession, pipeline: string): Promise<Watermark> {
  const [row] = await session.rows<{
    epoch_no: number;
    seq: string;
    hash: string;
    end_lsn: string;
    time: string | null;
  }>(
    `select epoch_no, seq, manifest_hash as hash, end_lsn, ${isoText('effective_time')} as time
     from _walflow.watermark where pipeline = ${literal(pipeline)}`,
  );
  if (row === undefined) return NOTHING_MERGED;
  return {
    epochNo: row.epoch_no,
    seq: Number(row.seq),
    manifestHash: row.hash,
    endLsn: lsnToHex(BigInt(row.end_lsn)),
    effectiveTime: row.time,
  };
}

/** Gives a new pipeline the row its first merge will move. */
export async function beginWatermark(session: DuckDbSession, pipeline: string): Promise<void> {
  await session.run(
    `insert into _walflow.watermark select $pipeline::VARCHAR, 0, 0, '', 0, null, null
     where not exists (select 1 from _walflow.watermark where pipeline = $pipeline::VARCHAR)`,
    { pipeline },
  );
}

interface WatermarkMove {
  readonly pipeline: string;
  readonly expected: Watermark;
  readonly next: Watermark;
  readonly nowIso: string;
}

/**
 * Moves the watermark if it still stands where the plan read it.
 * @returns false when it does not.
 * @throws WalflowError WATERMARK_MOVED when another transaction is moving it right now.
 */
export async function moveWatermark(session: DuckDbSession, move: WatermarkMove): Promise<boolean> {
  const { pipeline, expected, next, nowIso } = move;
  try {
    const moved = await session.run(
      `update _walflow.watermark set epoch_no = ${next.epochNo}, seq = ${next.seq}, manifest_hash = ${literal(next.manifestHash)},
         end_lsn = ${parseLsn(next.endLsn)}, effective_time = ${momentSql(next.effectiveTime)}, merged_at = ${momentSql(nowIso)}
       where pipeline = ${literal(pipeline)} and epoch_no = ${expected.epochNo} and seq = ${expected.seq}
         and manifest_hash = ${literal(expected.manifestHash)}`,
    );
    return moved === 1;
  } catch (failure) {
    if (isConflict(failure)) throw watermarkMoved(pipeline, expected, failure);
    throw failure;
  }
}

export function watermarkMoved(pipeline: string, expected: Watermark, cause?: unknown): WalflowError {
  return new WalflowError('WATERMARK_MOVED', `${pipeline} does not stand at manifest ${expected.seq} any more`, {
    cause,
  });
}
