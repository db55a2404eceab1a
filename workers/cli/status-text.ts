// What `walflow status` prints: one table of pipelines, one of tables, one of derived assets. Pure.

import { lsnToText, parseLsn } from '../../workflows/model/lsn.ts';
import type { AssetStatus, PipelineStatus } from '../http/backend.ts';
import { ageText, bytesText, countText, currentText } from '../text/quantity.ts';
import { textTable } from '../text/table.ts';
import { liveText } from '../text/table-count.ts';

export function statusText(pipelines: readonly PipelineStatus[], assets: readonly AssetStatus[]): string {
  if (pipelines.length === 0) return 'no pipelines';
  return [pipelineTable(pipelines), tableTable(pipelines), ...assetTables(assets), ...reasons(pipelines)].join('\n\n');
}

function pipelineTable(pipelines: readonly PipelineStatus[]): string {
  return textTable(
    [
      { name: 'pipeline' },
      { name: 'state' },
      { name: 'tables' },
      { name: 'slot' },
      { name: 'lag', align: 'right' },
      { name: 'retained', align: 'right' },
      { name: 'merged to' },
      { name: 'manifest', align: 'right' },
    ],
    pipelines.map(({ name, state, slot, mergedLsn, seq, tables }) => [
      name,
      state,
      liveText(tables),
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
      pipeline.tables.map(({ table, state, rows, freshnessAgeSeconds }) => [
        `${pipeline.name}/${table}`,
        state,
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
    { name: 'current', align: 'right' },
    { name: 'last run' },
  ] as const;
  return [
    textTable(
      columns,
      derived.map(({ key, freshness, partitions, lastMaterialization }) => [
        key,
        freshness.state,
        ageText(freshness.ageSeconds),
        partitions === undefined ? '–' : currentText(partitions),
        lastMaterialization?.at ?? 'never',
      ]),
    ),
  ];
}

/** In full, below the tables: a reason ends with what to do, which a cell would cut off. */
function reasons(pipelines: readonly PipelineStatus[]): readonly string[] {
  return pipelines.flatMap(({ name, reason, tables }) => [
    ...(reason === undefined ? [] : [`${name}: ${reason}`]),
    ...tables.flatMap((table) => (table.reason === undefined ? [] : [`${name}/${table.table}: ${table.reason}`])),
  ]);
}
