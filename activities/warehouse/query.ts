// Queries to the warehouse, and their results.

/** A value as JSON. Values that JSON cannot hold exactly (integers beyond 2^53, decimals, timestamps, blobs) are text. */
export type QueryValue =
  | null
  | boolean
  | number
  | string
  | readonly QueryValue[]
  | { readonly [field: string]: QueryValue };

export interface QueryLimits {
  readonly maxRows: number;
  /** Approximate limit for the text of the result. */
  readonly maxBytes: number;
  readonly timeoutMs: number;
  /** Aborts when the answer is no longer needed. */
  readonly signal?: AbortSignal;
}

export interface QueryResult {
  /** Types as the engine names them. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly QueryValue[])[];
}
