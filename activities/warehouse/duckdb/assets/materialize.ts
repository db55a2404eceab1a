// Station 10 on a row's way: recomputes what is due of a derived asset. It plans and computes in one read transaction, into
// staging, then publishes in another. A merge that commits in between lies above the positions of the record: it is still due.

import type { Materialization } from '../../../../workflows/model/asset/record.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import type { MaterializeOrder } from '../../asset-order.ts';
import type { DuckDbOwner } from '../client.ts';
import { blamesData, failureClass, safeText } from '../failure.ts';
import type { DuckDbSession } from '../session.ts';
import { computeStep, type StagedStep } from './compute.ts';
import { publishStep } from './publish.ts';

/**
 * Recomputes the due partitions, or the whole of an asset without partitions.
 * @returns the new records; none when nothing was due.
 * @throws WalflowError ASSET_FAILED, ASSET_OUTSIDE_WINDOW: nothing changed and it is still due.
 */
export async function materializeDue(owner: DuckDbOwner, order: MaterializeOrder): Promise<readonly Materialization[]> {
  return await owner.steps.pass(() => owner.use((session) => runStep(owner, session, order)));
}

async function runStep(owner: DuckDbOwner, session: DuckDbSession, order: MaterializeOrder) {
  for (;;) {
    const staged = await compute(session, order);
    if (staged === null) return [];
    const records = await owner.publishing.pass(() => publishStep(session, order, staged));
    // Overtaken by another publish: compute again what is still due. Each time another step made progress, so this ends.
    if (records !== null) return records;
  }
}

async function compute(session: DuckDbSession, { asset, run }: MaterializeOrder): Promise<StagedStep | null> {
  try {
    return await computeStep(session, asset, run.runId);
  } catch (cause) {
    const ofSql = blamesData(cause) || failureClass(cause) === 'Parser';
    if (!ofSql) throw cause;
    throw new WalflowError('ASSET_FAILED', `the SQL of ${asset.key} failed: ${safeText(cause)}`, { cause });
  }
}
