// A view's row of `_walflow.assets`.

/** SQL: is it one? `reads` is ["view", schema, name, columns it was made over, failure]. */
export const IS_VIEW = `reads like '["view",%'`;
