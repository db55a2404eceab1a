// One pipeline, for `/api/pipelines`.

import type { PipelineResources } from '../../activities/resources.ts';
import {
  FLOWING,
  type LedgerEntry,
  type TableStatus as WarehouseTable,
} from '../../activities/warehouse/table-status.ts';
import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import {
  ingestWorkflowId,
  mergeWorkflowId,
  snapshotGroup,
  snapshotGroupWorkflowId,
  snapshotWorkflowId,
} from '../../workflows/model/names.ts';
import type { LatencySummary, MergeSummary, PipelineStatus, TableStatus } from '../http/backend.ts';
import type { IngestState } from './ingest-state.ts';
import type { PipelineReading } from './pipeline-monitor.ts';

const LAST_MERGES = 5;
/** Of so many loading tables it is asked what they wait for: the first ones, where those that fail remain. */
const ASKED_TABLES = 20;

interface PipelineParts {
  readonly pipeline: PipelineResources;
  readonly warehouse: Warehouse;
  readonly reading: PipelineReading;
  readonly ingest: IngestState;
  readonly latency: LatencySummary | null;
  /** Why a run does not get on; null while it does. */
  readonly standstillOf: (workflowId: string) => Promise<string | null>;
}

export async function pipelineStatus(parts: PipelineParts): Promise<PipelineStatus> {
  const { pipeline, warehouse, reading, ingest, latency, standstillOf } = parts;
  const { name } = pipeline;
  const tables = await warehouse.tables(name);
  const rows = await warehouse.rowCounts(name);
  const ledger = await warehouse.ledger(name, LAST_MERGES);
  const reason = await reasonOf(parts);
  const asked = new Set(tables.filter(({ state }) => state === 'loading').slice(0, ASKED_TABLES));
  return {
    name,
    state: ingest.state,
    ...(reason === null ? {} : { reason }),
    slot: slotStatus(pipeline, reading),
    durableLsn: reading.durableLsn,
    mergedLsn: reading.watermark.endLsn,
    seq: reading.watermark.seq,
    pendingManifests: Math.max(0, reading.headSeq - reading.watermark.seq),
    ...(latency === null ? {} : { commitToQueryable: latency }),
    lastMerges: ledger.map(mergeSummary),
    tables: await Promise.all(
      tables.map(async (table) => ({
        ...tableStatus(table, rows.get(table.table) ?? 0, reading.freshnessAgeSeconds),
        ...(await tableReason(name, table, asked.has(table) ? standstillOf : nothingKnown)),
      })),
    ),
  };
}

/** What keeps the pipeline from getting on: its ingest, its merge, or a source that does not answer. */
async function reasonOf({ pipeline, reading, ingest, standstillOf }: PipelineParts): Promise<string | null> {
  const merge = await standstillOf(mergeWorkflowId(pipeline.name));
  const preparing = ingest.state === 'preparing' ? await standstillOf(ingestWorkflowId(pipeline.name)) : null;
  const reasons = [
    preparing,
    ingest.reason ?? reading.sourceFailure,
    merge === null ? null : `the merge waits to retry: ${merge}`,
  ];
  const known = reasons.filter((reason) => reason !== null);
  return known.length === 0 ? null : known.join('; ');
}

/** Why a table is paused or detached, or why the snapshot of a loading one does not get on. */
async function tableReason(
  pipeline: string,
  { table, state, since, reason, entry }: WarehouseTable,
  standstillOf: PipelineParts['standstillOf'],
): Promise<{ readonly reason?: string }> {
  if (reason !== null) return { reason: `${reason.text} (${reason.code})` };
  if (state === 'detached') return { reason: detachedText(since) };
  if (state !== 'loading') return {};
  const { id } = entry.snapshot;
  const own = await standstillOf(snapshotWorkflowId(pipeline, table, id));
  const standstill = own ?? (await standstillOf(snapshotGroupWorkflowId(pipeline, snapshotGroup(id))));
  return standstill === null ? {} : { reason: standstill };
}

const nothingKnown: PipelineParts['standstillOf'] = async () => null;

function detachedText(since: string): string {
  const when = `${since.slice(0, 16).replace('T', ' ')} UTC`;
  return `not captured since ${when}: its rows stay as they were until \`walflow drop-detached\` removes them`;
}

function slotStatus({ source }: PipelineResources, { slot }: PipelineReading): PipelineStatus['slot'] {
  if (slot === null || slot.tag === 'missing') return null;
  const { active, walStatus, lagBytes, retainedBytes, budgetBytes } = slot;
  return {
    ...{ name: source.slot, active, walStatus, lagBytes, retainedBytes },
    ...(budgetBytes === undefined ? {} : { budgetBytes }),
  };
}

/** A table that does not stand at the watermark has no age: its state says enough. */
function tableStatus(table: WarehouseTable, rows: number, ageSeconds: number | null): TableStatus {
  const follows = FLOWING.includes(table.state);
  return {
    table: table.table,
    state: table.state,
    since: table.since,
    rows,
    freshnessAgeSeconds: follows ? ageSeconds : null,
  };
}

function mergeSummary(entry: LedgerEntry): MergeSummary {
  const { workflowId, runId, attempt, mergedAt, seqFrom, seqTo, lsnTo } = entry;
  const counts = Object.values(entry.rows);
  const rows = counts.reduce((sum, c) => sum + c.inserts + c.updates + c.deletes + c.loaded, 0);
  return { workflowId, runId, attempt, mergedAt, seqFrom, seqTo, lsnTo, rows };
}
