// How many tables of a pipeline are live, in words: `812 of 1,000 live, 3 paused`. Pure.

import { FLOWING, type TableState } from '../../activities/warehouse/table-status.ts';
import { countText } from './quantity.ts';

/** Detached tables are no longer captured, so they are not among those that could be live. */
export function liveText(tables: readonly { readonly state: string }[]): string {
  const count = (...states: readonly TableState[]) =>
    tables.filter(({ state }) => states.some((s) => s === state)).length;
  const captured = tables.length - count('detached');
  const others = (['paused', 'detached'] as const).flatMap((state) => {
    const found = count(state);
    return found === 0 ? [] : [`${countText(found)} ${state}`];
  });
  return [`${countText(count(...FLOWING))} of ${countText(captured)} live`, ...others].join(', ');
}
