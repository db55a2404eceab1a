// What a changed configuration would change in the warehouse, before anything is changed. Pure.

import type { Declaration, StoredDeclaration } from '../../activities/warehouse/declaration.ts';

export interface PlannedChange {
  readonly asset: string;
  /**
   * create = it is new · stale = what is there stays and is due · rebuild = what is there stays and counts as never computed ·
   * replace = something else takes its place · rename = it keeps what it has under another key · drop = it is not kept any more.
   */
  readonly change: 'rename' | 'create' | 'stale' | 'rebuild' | 'replace' | 'drop';
  readonly why: string;
  /** How many partitions are concerned; null if that is known only when it runs, or of a view. */
  readonly partitions: number | null;
}

/** @param partitions how many the asset has, if they are listed; 1 for one without any */
export type WantedAsset = Declaration & {
  readonly partitions: number | null;
  readonly previousKeys?: readonly string[];
};

/** In the order of the configuration; what is left out of it last. */
export function plannedChanges(
  wanted: readonly WantedAsset[],
  stored: readonly StoredDeclaration[],
): readonly PlannedChange[] {
  const before = new Map(stored.map((one) => [one.asset, one]));
  const kept = wanted.map((now) => ({ now, was: before.get(now.asset) ?? renamedFrom(now, before) }));
  const known = new Set(kept.map(({ was }) => was?.asset));
  return [
    ...kept.flatMap(({ now, was }) => [...renamed(now, was), ...changeOf(now, was)]),
    ...stored.filter(({ asset }) => !known.has(asset)).map(dropped),
  ];
}

/** Of a view nothing is kept. */
function renamedFrom({ kind, previousKeys = [] }: WantedAsset, before: ReadonlyMap<string, StoredDeclaration>) {
  const key = previousKeys.findLast((one) => before.get(one)?.kind === 'table');
  return kind === 'view' || key === undefined ? undefined : before.get(key);
}

function renamed({ asset }: WantedAsset, was: StoredDeclaration | undefined): readonly PlannedChange[] {
  if (was === undefined || was.asset === asset) return [];
  return [{ asset, change: 'rename', why: `it was ${was.asset}`, partitions: was.partitions }];
}

function changeOf(now: WantedAsset, before: StoredDeclaration | undefined): readonly PlannedChange[] {
  const { asset, kind } = now;
  const partitions = kind === 'view' ? null : now.partitions;
  if (before === undefined) return [{ asset, change: 'create', why: 'it is new', partitions }];
  if (before.kind !== kind) {
    const why = kind === 'view' ? 'it was a table, whose rows are dropped' : 'it was a view';
    return [{ asset, change: 'replace', why, partitions: kind === 'view' ? before.partitions : partitions }];
  }
  const sameCode = before.code === now.code;
  if (kind === 'view') {
    if (sameCode && before.reads === now.reads) return [];
    const why = sameCode ? 'it moves to another name' : 'its code changed';
    return [{ asset, change: 'replace', why, partitions: null }];
  }
  // The same code reads the same where it was not noted.
  if (sameCode && (before.reads === now.reads || before.reads === '')) return [];
  return before.reads === now.reads
    ? [{ asset, change: 'stale', why: 'its code changed', partitions: before.partitions }]
    : [
        {
          ...{ asset, change: 'rebuild', partitions: before.partitions },
          why: 'it is divided in another way, or reads other tables or by other columns',
        },
      ];
}

function dropped({ asset, kind, partitions }: StoredDeclaration): PlannedChange {
  if (kind === 'view') return { asset, change: 'drop', why: 'the view is dropped', partitions: null };
  return { asset, change: 'drop', why: 'its table stays, and is not kept current any more', partitions };
}
