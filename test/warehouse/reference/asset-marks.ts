// What is due of declared assets: a mark a day, or one for the whole.

import type { AssetFigures, DueAsset } from '../../../activities/warehouse/asset-order.ts';
import type { AssetEdge, DerivedAsset } from '../../../workflows/model/asset/graph.ts';
import { columnTypeOf } from '../../../workflows/model/column-type.ts';
import type { CaptureEntry } from '../../../workflows/model/manifest.ts';
import type { TableName } from '../../../workflows/model/relation.ts';
import type { StoredRow } from './fold.ts';

interface Mark {
  readonly asset: string;
  /** Null = the whole asset. */
  readonly day: string | null;
  readonly seq: number;
  readonly at: string;
}

export interface AssetBook {
  readonly declared: Map<string, { readonly code: string; readonly inputs: readonly TableName[] }>;
  marks: readonly Mark[];
}

type Cause = Pick<Mark, 'seq' | 'at'>;

export function declare(book: AssetBook, assets: readonly DerivedAsset[], nowIso: string): void {
  const keys = new Set(assets.map(({ key }) => key));
  for (const key of book.declared.keys()) if (!keys.has(key)) forget(book, key);
  for (const { key, definition, inputs } of assets) {
    const code = JSON.stringify(definition);
    if (book.declared.get(key)?.code === code) continue;
    forget(book, key);
    book.declared.set(key, { code, inputs: inputs.map(({ from }) => from.place) });
    markWhole(book, key, { seq: 0, at: nowIso });
  }
}

function forget(book: AssetBook, key: string): void {
  book.declared.delete(key);
  book.marks = book.marks.filter(({ asset }) => asset !== key);
}

export function due(book: AssetBook, exists: (place: TableName) => boolean): readonly DueAsset[] {
  const ready = [...book.declared].filter(([, { inputs }]) => inputs.every(exists)).sort();
  return ready.flatMap(([asset]) => {
    const seqs = book.marks.filter((mark) => mark.asset === asset).map(({ seq }) => seq);
    return seqs.length > 0 ? [{ asset, seq: Math.max(...seqs) }] : [];
  });
}

export function figures(book: AssetBook, asset: string): AssetFigures {
  const marks = book.marks.filter((mark) => mark.asset === asset);
  const [dueSince = null] = marks.map(({ at }) => at).sort();
  // Nothing is ever materialized here, so nothing is current or stale.
  return { current: 0, stale: 0, dueSince };
}

export function markWhole(book: AssetBook, asset: string, cause: Cause): void {
  book.marks = [...book.marks, { asset, day: null, ...cause }];
}

/** @returns the assets that are due now because of these rows, as they were and as they are */
export function markChanges(
  book: AssetBook,
  readers: readonly AssetEdge[],
  cause: Cause,
  entry: CaptureEntry,
  whole: boolean,
  rows: readonly StoredRow[],
): readonly string[] {
  if (rows.length === 0 && !whole) return [];
  return readers.flatMap(({ to, touch }) => {
    const column = touch.tag !== 'partitions' ? undefined : entry.columns.find(({ name }) => name === touch.column);
    const dated = column !== undefined && ['date', 'timestamp', 'timestamptz'].includes(columnTypeOf(column).kind);
    if (whole || touch.tag !== 'partitions' || !dated) {
      markWhole(book, to, cause);
      return [to];
    }
    const days = rows.flatMap(({ values }) => /^\d{4}-\d\d-\d\d/.exec(values[column.name] ?? '')?.[0] ?? []);
    const counted = [...new Set(days)].filter((day) => day >= touch.partitions.start);
    book.marks = [...book.marks, ...counted.map((day) => ({ asset: to, day, ...cause }))];
    return counted.length > 0 ? [to] : [];
  });
}
