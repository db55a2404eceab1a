// One run each of what P1 to P4 compare, all timed alike: from the moment the slot is active until the last row is
// decoded, merged, or thrown away.

import { type ChildOutcome, runChild } from './child-run.ts';
import type { BenchContext } from './context.ts';
import type { DecodeInput, DecodeResult } from './decode-child.ts';
import type { ObviousInput, ObviousResult } from './obvious-child.ts';
import { receiveAll, type StreamRun } from './pg-recvlogical.ts';
import type { BenchPipeline } from './pipeline.ts';
import { BASE_SLOT, watchWalsender, withSlotCopy } from './slot.ts';
import { LOAD_TABLE, type Load, PUBLICATION } from './workload.ts';

/** The slot a run reads a copy of. */
export interface SlotRef {
  readonly slot: string;
  readonly publication: string;
}

export const BASE: SlotRef = { slot: BASE_SLOT, publication: PUBLICATION };

export async function runReference(context: BenchContext, load: Load, from: SlotRef): Promise<StreamRun> {
  const { client, servers, signal } = context;
  const { endLsn } = load;
  return await withSlotCopy(client, from.slot, (slot) =>
    receiveAll({ url: servers.postgresUrl, slot, publication: from.publication, endLsn }, signal),
  );
}

export async function runDecode(context: BenchContext, load: Load): Promise<StreamRun> {
  return await onCopy(context, BASE, async (slot) => {
    const input: DecodeInput = { url: context.servers.postgresUrl, slot, publication: PUBLICATION, rows: load.rows };
    return await runChild<DecodeResult>('decode-child', input, context.signal);
  });
}

export async function runObvious(context: BenchContext, load: Load): Promise<StreamRun> {
  return await onCopy(context, BASE, async (slot) => {
    const { postgresUrl: url, folder } = context.servers;
    const input: ObviousInput = { url, slot, publication: PUBLICATION, rows: load.rows, folder };
    const outcome = await runChild<ObviousResult>('obvious-child', input, context.signal);
    expectRows('the obvious build', outcome.result.left, load.left);
    return outcome;
  });
}

/** The whole path with its own worker processes; leaves them stopped. */
export async function runPipeline(context: BenchContext, load: Load, pipeline: BenchPipeline): Promise<StreamRun> {
  await pipeline.startWarehouse();
  const watch = await watchWalsender(context.servers.postgresUrl, pipeline.slot);
  try {
    await pipeline.startIngest();
    const startMs = await watch.active;
    await pipeline.waitMerged(load.endLsn, context.signal);
    const endMs = performance.now();
    const walsenderSeconds = watch.cpuSeconds();
    const [[left] = []] = await pipeline.query(`select count(*) from public.${LOAD_TABLE} where id > 0`);
    expectRows('walflow', Number(left), load.left);
    return { seconds: (endMs - startMs) / 1000, walsenderSeconds };
  } finally {
    await watch.stop();
    await pipeline.stop();
  }
}

async function onCopy(
  context: BenchContext,
  from: SlotRef,
  run: (slot: string) => Promise<ChildOutcome<unknown>>,
): Promise<StreamRun> {
  const { client, servers } = context;
  return await withSlotCopy(client, from.slot, async (slot) => {
    const watch = await watchWalsender(servers.postgresUrl, slot);
    try {
      const { atMs } = await run(slot);
      return { seconds: (atMs - (await watch.active)) / 1000, walsenderSeconds: watch.cpuSeconds() };
    } finally {
      await watch.stop();
    }
  });
}

/** A fast run that lost rows is no run. */
function expectRows(who: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${who} ended with ${found} rows, the source has ${expected}`);
}
