// Temporary tables for one step of an asset: only their connection sees them, and the published table does not change
// before the publish.

/**
 * Partitions to compute: `partition`, `no` and `version` of its newest record, null without one. With partitions, the row
 * without one says that the inputs are searched for new partitions.
 */
export const PLANNED = '_walflow_planned';
/** Partitions that another run has on its list: `partition`. */
export const LEFT_OUT = '_walflow_left_out';
/** Those of PLANNED whose rows are not the published ones: `partition`. */
export const CHANGED = '_walflow_changed';
/** Computed rows, each after the key of its partition. */
export const STAGED = '_walflow_staged';
/** First column of STAGED. */
export const STAGED_PARTITION = '_walflow_partition';

/** Partitions under a check: `partition`, whether its old rows are `replaced`, and whether its new ones are `taken`. */
export const CHECKED = '_walflow_checked';
/** Those that a blocking check keeps from being published: `partition`. They are in none of the tables above. */
export const WITHHELD = '_walflow_withheld';

/** A SELECT of the rows to publish. */
export const changedRows = `select * exclude (${STAGED_PARTITION}) from temp.main.${STAGED} staged where exists (
  from temp.main.${CHANGED} changed where changed.partition is not distinct from staged.${STAGED_PARTITION})`;
