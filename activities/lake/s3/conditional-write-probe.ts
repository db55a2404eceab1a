// A store may accept If-None-Match and ignore it: two writers could then both store a manifest under one number. So writers
// race for a fresh key before anything depends on conditional writes.

import { createHash } from 'node:crypto';
import { WalflowError } from '../../../workflows/model/errors.ts';

/** What the probe needs from the store. */
interface RacedStore {
  putIfAbsent(key: string, body: Uint8Array, sha256: string): Promise<'stored' | 'exists'>;
  remove(key: string): Promise<void>;
}

const RACERS = 16;
/** A race without a winner is repeated: the winner's answer may have been lost. */
const RACES = 3;

/** @throws WalflowError LAKE_NO_CONDITIONAL_WRITES unless exactly one of the racers wins. */
export async function proveConditionalWrites(store: RacedStore, freshKey: () => string): Promise<void> {
  for (let race = 0; race < RACES; race++) {
    const winners = await winnersOf(store, freshKey());
    if (winners === 1) return;
    if (winners > 1) {
      throw new WalflowError('LAKE_NO_CONDITIONAL_WRITES', `${winners} of ${RACERS} writers stored the same fresh key`);
    }
  }
  throw new WalflowError('LAKE_NO_CONDITIONAL_WRITES', `none of ${RACERS} writers could store a fresh key`);
}

async function winnersOf(store: RacedStore, key: string): Promise<number> {
  const racers = Array.from({ length: RACERS }, (_, i) => Buffer.from(`racer ${i}`));
  // Waits for all of them, even if one fails: a late one would leave its object behind.
  const outcomes = await Promise.allSettled(
    racers.map((body) => store.putIfAbsent(key, body, createHash('sha256').update(body).digest('hex'))),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  await store.remove(key);
  return outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value === 'stored').length;
}
