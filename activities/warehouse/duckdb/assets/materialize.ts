// Station 10 on a row's way: recomputes what is due of a derived asset. It plans and computes in one read transaction, into
// staging, then publishes in another. A merge that commits in between lies above the positions of the record: it is still due.

import { WalflowError } from '../../../../workflows/model/errors.ts';
import type { MaterializeOrder, PublishedStep } from '../../asset-order.ts';
import type { DuckDbOwner } from '../client.ts';
import { blamesData, failureClass, safeText } from '../failure.ts';
import type { DuckDbSession } from '../session.ts';
import { noteBroken } from './check-result.ts';
import { CheckError } from './check-run.ts';
import { computeStep, type StagedStep } from './compute.ts';
import type { StepWork } from './plan.ts';
import { publishStep } from './publish.ts';

/**
 * Recomputes the due partitions, or the whole of an asset without partitions.
 * @throws WalflowError ASSET_FAILED, ASSET_OUTSIDE_WINDOW, ASSET_CHECK_FAILED if the SQL of a blocking check fails: nothing changed
 * and it is still due.
 */
export async function materializeDue(owner: DuckDbOwner, order: MaterializeOrder): Promise<PublishedStep> {
  return await owner.steps.pass(() => owner.use((session) => runDue(owner, session, { ...order, step: null })));
}

async function runDue(owner: DuckDbOwner, session: DuckDbSession, work: StepWork): Promise<PublishedStep> {
  for (;;) {
    const staged = await computeNamed(owner, session, work);
    if (staged === null) return { records: [], withheld: [] };
    const records = await owner.publishing.pass(() => publishStep(session, work, staged));
    // Overtaken by another publish: compute again what is still due. Each time another step made progress, so this ends.
    if (records !== null) return { records, withheld: staged.withheld };
  }
}

/** @throws WalflowError ASSET_FAILED, ASSET_OUTSIDE_WINDOW, ASSET_CHECK_FAILED */
export async function computeNamed(
  owner: DuckDbOwner,
  session: DuckDbSession,
  work: StepWork,
): Promise<StagedStep | null> {
  try {
    return await computeStep(session, work);
  } catch (cause) {
    if (cause instanceof CheckError) throw await noteBroken(owner, work, cause);
    const ofSql = blamesData(cause) || failureClass(cause) === 'Parser';
    if (!ofSql) throw cause;
    throw new WalflowError('ASSET_FAILED', `the SQL of ${work.asset.key} failed: ${safeText(cause)}`, { cause });
  }
}
