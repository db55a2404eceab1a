// What is due of declared assets: nothing is ever computed here, so all of it, and changes only say which days there are.

import type { AssetFigures, DueAsset } from '../../../activities/warehouse/asset-order.ts';
import type { AssetEdge, DerivedAsset } from '../../../workflows/model/asset/graph.ts';
import { firstKey } from '../../../workflows/model/asset/partitioning.ts';
import { columnTypeOf } from '../../../workflows/model/column-type.ts';
import type { CaptureEntry } from '../../../workflows/model/manifest.ts';
import type { TableName } from '../../../workflows/model/relation.ts';
import type { StoredRow } from './fold.ts';

interface TouchedDay {
  readonly asset: string;
  /** Null = the whole asset. */
  readonly day: string | null;
  readonly seq: number;
}

interface Declared {
  readonly code: string;
  readonly inputs: readonly TableName[];
  readonly at: string;
}

export interface AssetBook {
  readonly declared: Map<string, Declared>;
  touches: readonly TouchedDay[];
}

type Change = Pick<TouchedDay, 'seq'>;

export function declare(book: AssetBook, assets: readonly DerivedAsset[], nowIso: string): void {
  const keys = new Set(assets.map(({ key }) => key));
  for (const key of book.declared.keys()) if (!keys.has(key)) book.declared.delete(key);
  for (const { key, definition, inputs } of assets) {
    const code = JSON.stringify(definition);
    if (book.declared.get(key)?.code === code) continue;
    book.declared.set(key, { code, inputs: inputs.map(({ from }) => from.place), at: nowIso });
  }
}

export function due(
  book: AssetBook,
  assets: readonly DerivedAsset[],
  exists: (place: TableName) => boolean,
): readonly DueAsset[] {
  return assets.flatMap(({ key }) => {
    const declared = book.declared.get(key);
    if (declared === undefined || !declared.inputs.every(exists)) return [];
    return [{ asset: key, seq: Math.max(0, ...touchesOf(book, key).map(({ seq }) => seq)) }];
  });
}

export function figures(book: AssetBook, { key, definition }: DerivedAsset): AssetFigures {
  const missing = definition.partitions === undefined ? 1 : touchedDays(book, key).length;
  return { missing, stale: 0, current: 0, state: 'missing', dueSince: book.declared.get(key)?.at ?? null };
}

/** Each once and in order. */
export function touchedDays(book: AssetBook, asset: string): readonly string[] {
  return [...new Set(touchesOf(book, asset).flatMap(({ day }) => day ?? []))].sort();
}

const touchesOf = ({ touches }: AssetBook, asset: string) => touches.filter((touch) => touch.asset === asset);

export function touchWhole(book: AssetBook, asset: string, change: Change): void {
  book.touches = [...book.touches, { asset, day: null, ...change }];
}

/** @returns the assets that are due now because of these rows, as they were and as they are */
export function touchRows(
  book: AssetBook,
  readers: readonly AssetEdge[],
  change: Change,
  entry: CaptureEntry,
  whole: boolean,
  rows: readonly StoredRow[],
): readonly string[] {
  if (rows.length === 0 && !whole) return [];
  return readers.flatMap(({ to, touch }) => {
    const column = touch.tag !== 'partitions' ? undefined : entry.columns.find(({ name }) => name === touch.columns[0]);
    const dated = column !== undefined && ['date', 'timestamp', 'timestamptz'].includes(columnTypeOf(column).kind);
    if (whole || touch.tag !== 'partitions' || !dated) {
      touchWhole(book, to, change);
      return [to];
    }
    const days = rows.flatMap(({ values }) => /^\d{4}-\d\d-\d\d/.exec(values[column.name] ?? '')?.[0] ?? []);
    const counted = [...new Set(days)].filter((day) => day >= firstKey(touch.partitions));
    book.touches = [...book.touches, ...counted.map((day) => ({ asset: to, day, ...change }))];
    return counted.length > 0 ? [to] : [];
  });
}
