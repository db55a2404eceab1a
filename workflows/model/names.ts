// Names that scripts and people outside rely on: workflow ids, task queues, slots, publications. They are a contract.

/** A pipeline's name also names its slot, publication and folder. */
export const PIPELINE_NAME = /^[a-z][a-z0-9_]{0,40}$/;

export const ingestWorkflowId = (pipeline: string) => `ingest/${pipeline}`;
export const mergeWorkflowId = (pipeline: string) => `merge/${pipeline}`;
export const automationWorkflowId = (project: string) => `automation/${project}`;
export const snapshotWorkflowId = (pipeline: string, table: string, id: string) =>
  `snapshot/${pipeline}/${table}/${id}`;
/** Of a snapshot that is taken together with others: by its manifest and the last digit of its id, so that it stays there. */
export const snapshotGroup = (id: string) => `${id.slice(0, 8)}-${id.slice(-1)}`;
export const snapshotGroupWorkflowId = (pipeline: string, group: string) => `snapshot/${pipeline}/${group}`;
export const materializeWorkflowId = (asset: string, partitionOrRun: string) =>
  `materialize/${asset}/${partitionOrRun}`;
/** Temporal adds the time of the tick. */
export const scheduledWorkflowId = (project: string, schedule: string) => `scheduled/${project}/${schedule}`;

/** Of all schedules of a project, and of one. */
export const scheduleIdPrefix = (project: string) => `walflow/${project}/`;
export const scheduleId = (project: string, schedule: string) => `${scheduleIdPrefix(project)}${schedule}`;

export const INGEST_QUEUE = 'walflow-ingest';
/** Snapshots have a queue of their own: however many tables wait for one, a worker has room for the streams. */
export const SNAPSHOT_QUEUE = 'walflow-copy';
export const warehouseQueue = (warehouse: string) => `walflow-warehouse-${warehouse}`;

/** Default name of slot and publication. */
export const defaultSlotName = (pipeline: string) => `walflow_${pipeline}`;
/** The second publication, with `publish = 'insert, truncate'`, for tables without a usable replica identity. */
export const appendPublicationName = (publication: string) => `${publication}_append`;

export const runWorkflowId = (id: string) => `run/${id}`;
export const backfillWorkflowId = (id: string) => `backfill/${id}`;

/** Search attributes of runs, each of a type of `attributeType`. */
export const SEARCH_ATTRIBUTES = {
  pipeline: 'WalflowPipeline',
  asset: 'WalflowAsset',
  partition: 'WalflowPartition',
  kind: 'WalflowRunKind',
  table: 'WalflowTable',
  cause: 'WalflowCause',
  assets: 'WalflowAssets',
} as const;

export const attributeType = (name: string) => (name === SEARCH_ATTRIBUTES.assets ? 'KeywordList' : 'Keyword');
