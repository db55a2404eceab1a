// How a reader of a view says which of its rows belong to which of its partitions: by columns of a table that the view reads,
// written `shop/public.orders.created_at`. What the view makes of them is not known here.

import type { PartitionColumns, Partitions } from './partitioning.ts';

export type BaseColumns =
  | { readonly tag: 'columns'; readonly base: string; readonly by: PartitionColumns }
  /** `name` is what was written. */
  | { readonly tag: 'fault'; readonly name: string; readonly what: string };

/**
 * @param bases keys of the tables that the view reads, itself or through other views
 * @returns `by` as it would be written for the base table itself
 */
export function baseColumns(by: PartitionColumns, partitions: Partitions, bases: readonly string[]): BaseColumns {
  const named = typeof by === 'string' ? [['', by] as const] : Object.entries(by);
  const found = named.map(([dimension, text]) => {
    const base = bases.find((key) => text.startsWith(`${key}.`) && text.length > key.length + 1);
    return { dimension, text, base, column: text.slice((base ?? '').length + 1) };
  });
  const unknown = found.find(({ base }) => base === undefined);
  if (unknown !== undefined) {
    const what = `names ${unknown.text}, which is no column of a table that the view reads`;
    return { tag: 'fault', name: unknown.text, what };
  }
  const [first] = found;
  const other = found.find(({ base }) => base !== first?.base);
  if (first?.base === undefined || other !== undefined) {
    return { tag: 'fault', name: other?.text ?? '', what: 'names columns of several tables' };
  }
  // Of one dimension, the name says only what the view calls the column.
  if (partitions.kind !== 'multi') return { tag: 'columns', base: first.base, by: first.column };
  return {
    tag: 'columns',
    base: first.base,
    by: Object.fromEntries(found.map(({ dimension, column }) => [dimension, column])),
  };
}
