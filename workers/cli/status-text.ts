// What `walflow status` prints: one table of pipelines, one of tables, one of derived assets. Pure.

import { lsnToText, parseLsn } from '../../workflows/model/lsn.ts';
import type { AssetStatus, PipelineStatus } from '../http/backend.ts';
import { bytesText, countText, durationText } from './quantity.ts';
import { textTable } from './text-table.ts';

export function statusText(pipelines: readonly PipelineStatus[], assets: readonly AssetStatus[]): string {
  if (pipelines.length === 0) return 'no pipelines';
  return [pipelineTable(pipelines), tableTable(pipelines), ...assetTables(assets)].join('\n\n');
}

function pipelineTable(pipelines: readonly PipelineStatus[]): string {
  return textTable(
    [
      { name: 'pipeline' },
      { name: 'state' },
      { name: 'slot' },
      { name: 'lag', align: 'right' },
      { name: 'retained', align: 'right' },
      { name: 'merged to' },
      { name: 'manifest', align: 'right' },
    ],
    pipelines.map(({ name, state, reason, slot, mergedLsn, seq }) => [
      name,
      withReason(state, reason),
      slot === null ? '–' : `${slot.name} (${slot.active ? 'active' : 'inactive'}, ${slot.walStatus})`,
      slot === null ? '–' : bytesText(slot.lagBytes),
      slot === null ? '–' : bytesText(slot.retainedBytes),
      lsnToText(parseLsn(mergedLsn)),
      String(seq),
    ]),
  );
}

function tableTable(pipelines: readonly PipelineStatus[]): string {
  return textTable(
    [{ name: 'table' }, { name: 'state' }, { name: 'rows', align: 'right' }, { name: 'fresh', align: 'right' }],
    pipelines.flatMap((pipeline) =>
      pipeline.tables.map(({ table, state, reason, rows, freshnessAgeSeconds }) => [
        `${pipeline.name}/${table}`,
        withReason(state, reason),
        countText(rows),
        ageText(freshnessAgeSeconds),
      ]),
    ),
  );
}

/** Captured tables are assets too, but they are shown above. */
function assetTables(assets: readonly AssetStatus[]): readonly string[] {
  const derived = assets.filter(({ kind }) => kind === 'derived');
  if (derived.length === 0) return [];
  const columns = [
    { name: 'asset' },
    { name: 'freshness' },
    { name: 'age', align: 'right' },
    { name: 'partitions', align: 'right' },
    { name: 'last run' },
  ] as const;
  return [
    textTable(
      columns,
      derived.map(({ key, freshness, partitions, lastMaterialization }) => [
        key,
        freshness.state,
        ageText(freshness.ageSeconds),
        partitions === undefined ? '–' : `${partitions.done} of ${partitions.total}`,
        lastMaterialization?.at ?? 'never',
      ]),
    ),
  ];
}

function withReason(state: string, reason: string | undefined): string {
  return reason === undefined ? state : `${state}: ${reason}`;
}

function ageText(seconds: number | null): string {
  return seconds === null ? '–' : durationText(seconds * 1_000);
}
