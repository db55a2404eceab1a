// Runs a step that stands in the catalog: chooses its partitions, computes, publishes, and ends it. ⚠ An attempt that comes back
// late finds the step ended, and publishes nothing.

import { isoFromMicros } from '../../../../workflows/model/commit-time.ts';
import type { StepOrder, StepResult } from '../../run-order.ts';
import { computeNamed } from '../assets/materialize.ts';
import type { StepWork } from '../assets/plan.ts';
import { publishStep } from '../assets/publish.ts';
import type { DuckDbOwner } from '../client.ts';
import type { DuckDbSession } from '../session.ts';
import type { RunningSteps } from './running-steps.ts';
import { endStep, outcomeOf, readStep, skipped } from './step-record.ts';

export async function runStep(owner: DuckDbOwner, running: RunningSteps, order: StepOrder): Promise<StepResult> {
  const startedAt = isoFromMicros(Date.now() * 1000);
  const stop = running.begin(order, startedAt, order.attempt.attempt);
  const signal = AbortSignal.any([order.signal, stop]);
  try {
    return await owner.steps.pass(
      () =>
        owner.use((session) => session.until(signal, () => tryStep(owner, session, { ...order, signal }, startedAt))),
      signal,
    );
  } catch (failure) {
    // An interrupted statement fails in the words of the engine.
    signal.throwIfAborted();
    throw failure;
  } finally {
    running.rest(order);
  }
}

async function tryStep(
  owner: DuckDbOwner,
  session: DuckDbSession,
  order: StepOrder,
  startedAt: string,
): Promise<StepResult> {
  const { asset, attempt, run, no } = order;
  for (;;) {
    const planned = await readStep(session, order);
    if (planned === null) return { outcome: skipped('removed'), records: [] };
    if (planned.outcome !== null) return { outcome: planned.outcome, records: [] };
    const step = { run, no, scope: planned.scope, nowMs: Date.now() };
    const work: StepWork = { asset, run: attempt, step };
    const staged = await computeNamed(owner, session, work);
    if (staged === null) {
      const outcome = skipped('up-to-date');
      await session.transaction(async () => endStep(session, step, outcome, attempt.attempt, startedAt));
      return { outcome, records: [] };
    }
    const records = await owner.publishing.pass(() => publishStep(session, work, staged), order.signal);
    // Overtaken by another publish: compute again what is still due. Each time another step made progress, so this ends.
    if (records !== null) return { outcome: outcomeOf(asset.key, records, staged), records };
  }
}
