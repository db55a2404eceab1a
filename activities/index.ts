// The list of activities, in the order of a row's way. Each process registers those that its resources allow.

import type { TickInput } from '../workflows/model/asset/schedule.ts';
import type {
  BackfillRef,
  DecideInput,
  EndRunInput,
  MaterializeInput,
  MergeInput,
  PrepareInput,
  RunStepInput,
  SnapshotGroupOrder,
} from '../workflows/model/run.ts';
import { describeFailure } from './activity.ts';
import { cancelBackfill, takeBackfillTurn } from './backfill.ts';
import { listDueRuns, materializeAsset } from './materialize.ts';
import { mergePending } from './merge.ts';
import { prepareSource } from './prepare.ts';
import type { IngestResources, WarehouseResources } from './resources.ts';
import { decideRuns, endRun, runStep } from './run.ts';
import { planTick } from './schedule.ts';
import { SnapshotPlaces } from './snapshot/places.ts';
import { snapshotTable } from './snapshot.ts';
import { snapshotGroup } from './snapshot-group.ts';
import { streamChanges } from './stream.ts';

/** Activities of the queues `walflow-ingest` and `walflow-copy`. */
export function createIngestActivities(resources: IngestResources) {
  const places = new SnapshotPlaces();
  return {
    prepareSource: describeFailure(resources, (input: PrepareInput) => prepareSource(resources, input)),
    // The name stands in recorded histories.
    copyTable: describeFailure(resources, (input: { pipeline: string; table: string; id: string }) =>
      snapshotTable(resources, places, input),
    ),
    copyTables: describeFailure(resources, (input: SnapshotGroupOrder) => snapshotGroup(resources, places, input)),
    streamChanges: describeFailure(resources, (input: { pipeline: string }) => streamChanges(resources, input)),
  };
}

/** Activities of the queue `walflow-warehouse-<warehouse>`. */
export function createWarehouseActivities(resources: WarehouseResources) {
  return {
    mergePending: describeFailure(resources, (input: MergeInput) => mergePending(resources, input)),
    decideRuns: describeFailure(resources, (input: DecideInput) => decideRuns(resources, input)),
    runStep: describeFailure(resources, (input: RunStepInput) => runStep(resources, input)),
    endRun: describeFailure(resources, (input: EndRunInput) => endRun(resources, input)),
    planTick: describeFailure(resources, (input: TickInput) => planTick(resources, input)),
    takeBackfillTurn: describeFailure(resources, (input: BackfillRef) => takeBackfillTurn(resources, input)),
    cancelBackfill: describeFailure(resources, (input: BackfillRef) => cancelBackfill(resources, input)),
    // These two only for workflows that an older version started.
    listDueRuns: describeFailure(resources, (_input: Record<string, never>) => listDueRuns(resources)),
    materializeAsset: describeFailure(resources, (input: Pick<MaterializeInput, 'asset'>) =>
      materializeAsset(resources, input),
    ),
  };
}

/** What workflows may call. */
export type Activities = ReturnType<typeof createIngestActivities> & ReturnType<typeof createWarehouseActivities>;
