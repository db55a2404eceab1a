// Temporary tables of one connection, in which a step of an asset is prepared: only that connection sees them, and the
// published table is not touched before its publish.

/** Marks that the plan saw: `id`, `partition`. */
export const SEEN = '_walflow_seen';
/** Partitions to compute: `partition`, and `inputs` of its newest record. */
export const PLANNED = '_walflow_planned';
/** Computed rows, behind the partition each is of. */
export const STAGED = '_walflow_staged';
/** First column of STAGED. */
export const STAGED_PARTITION = '_walflow_partition';

/** A SELECT of computed rows as they are published. */
export const stagedRows = `select * exclude (${STAGED_PARTITION}) from temp.main.${STAGED}`;
