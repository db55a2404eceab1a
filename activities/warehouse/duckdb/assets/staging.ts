// Temporary tables for one step of an asset: only their connection sees them, and the published table does not change
// before the publish.

/** Marks that the plan saw: `id`, `partition`. */
export const SEEN = '_walflow_seen';
/** Partitions to compute: `partition`, and `inputs` of its newest record. */
export const PLANNED = '_walflow_planned';
/** Computed rows, each after the key of its partition. */
export const STAGED = '_walflow_staged';
/** First column of STAGED. */
export const STAGED_PARTITION = '_walflow_partition';

/** A SELECT of computed rows, as they are published. */
export const stagedRows = `select * exclude (${STAGED_PARTITION}) from temp.main.${STAGED}`;
