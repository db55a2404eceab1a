// All that the reference remembers, in plain maps. A merge works on a clone of it.

import type { LedgerEntry, TableStatus } from '../../../activities/warehouse/table-status.ts';
import type { TableName } from '../../../workflows/model/relation.ts';
import { NOTHING_MERGED, type Watermark } from '../../../workflows/model/watermark.ts';
import type { AssetBook } from './asset-changes.ts';
import type { StoredRow } from './fold.ts';

export type TableRecord = Omit<TableStatus, 'table'>;

export interface PipelineState {
  watermark: Watermark;
  readonly tables: Map<string, TableRecord>;
  /** Newest first. */
  readonly ledger: LedgerEntry[];
}

export interface ReferenceState {
  readonly pipelines: Map<string, PipelineState>;
  /** Rows by `placeKey`. */
  readonly stored: Map<string, readonly StoredRow[]>;
  readonly assets: AssetBook;
}

export const placeKey = ({ schema, name }: TableName) => JSON.stringify([schema, name]);

/** One that nobody has merged yet begins empty. */
export function pipelineIn(state: ReferenceState, name: string): PipelineState {
  const known = state.pipelines.get(name);
  if (known !== undefined) return known;
  const fresh: PipelineState = { watermark: NOTHING_MERGED, tables: new Map(), ledger: [] };
  state.pipelines.set(name, fresh);
  return fresh;
}
