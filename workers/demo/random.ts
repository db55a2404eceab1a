// Seeded randomness for the demo: the same seed always makes the same shop traffic. Not for secrets.

import { WalflowError } from '../../workflows/model/errors.ts';

/** A source of numbers in [0, 1). */
export type Random = () => number;

/** mulberry32 (public domain): 32 bits of state, good enough to mix a demo. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** A whole number in [from, to]. */
export function between(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1));
}

/** One of a list that is not empty. */
export function oneOf<T>(random: Random, items: readonly T[]): T {
  const item = items[between(random, 0, items.length - 1)];
  if (item === undefined) throw new WalflowError('INTERNAL', 'nothing to choose from');
  return item;
}
