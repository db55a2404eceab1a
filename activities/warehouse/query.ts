// What a reader asks of the warehouse and is answered.

/** A value as JSON; what JSON cannot hold exactly (integers beyond 2^53, decimals, timestamps, blobs) is the engine's text. */
export type QueryValue =
  | null
  | boolean
  | number
  | string
  | readonly QueryValue[]
  | { readonly [field: string]: QueryValue };

export interface QueryLimits {
  readonly maxRows: number;
  /** Of the answer's text, about. */
  readonly maxBytes: number;
  readonly timeoutMs: number;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
}

export interface QueryResult {
  /** Types in the engine's words. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly QueryValue[])[];
}
