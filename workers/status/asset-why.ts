// Why a derived asset is not current, and what it waits for: the answer to "why does it not run?".

import type { DueFacts } from '../../activities/warehouse/run-order.ts';
import type { DerivedAsset } from '../../workflows/model/asset/graph.ts';
import type { AssetWhy, Waiting } from '../http/backend.ts';

export function assetWhy({ key, definition }: DerivedAsset, facts: DueFacts): AssetWhy {
  const { current, causes, wanted, searches } = facts;
  return {
    asset: key,
    current,
    causes,
    wanted,
    searches,
    waitsFor: waitsFor(definition.automation !== undefined, facts),
  };
}

/** All that keeps what is due from being computed; none if nothing is due, or the next decision takes it. */
function waitsFor(isAutomatic: boolean, facts: DueFacts): readonly Waiting[] {
  const { causes, wanted, searches, listed, runs, restsUntil, ready } = facts;
  const due = causes.missing + causes.touched + causes.code + causes.whole;
  if (due === 0 && !searches) return [];
  const left = due - wanted;
  return [
    ...(ready ? [] : [{ tag: 'inputs' } as const]),
    ...(isAutomatic ? [] : [{ tag: 'no-automation' } as const]),
    ...runs.map((run) => ({ tag: 'run', run }) as const),
    ...(listed === 0 ? [] : [{ tag: 'listed', partitions: listed } as const]),
    ...(restsUntil === null ? [] : [{ tag: 'rest', until: restsUntil } as const]),
    ...(isAutomatic && left > 0 ? [{ tag: 'asked', partitions: left } as const] : []),
  ];
}
