// A failure as an HTTP answer: `{error: {code, message, hint}}`, with the status of its code.

import { type ErrorCode, WalflowError } from '../../workflows/model/errors.ts';

type FailureStatus = 400 | 401 | 403 | 404 | 408 | 409 | 413 | 421 | 422 | 500 | 503;

const STATUS: Readonly<Partial<Record<ErrorCode, FailureStatus>>> = {
  HTTP_REQUEST_INVALID: 400,
  LSN_INVALID: 400,
  QUERY_INVALID: 400,
  SELECTION_INVALID: 400,
  RUN_INVALID: 400,
  BACKFILL_INVALID: 400,
  HTTP_TOKEN_INVALID: 401,
  HTTP_ORIGIN_REFUSED: 403,
  QUERY_FORBIDDEN: 403,
  QUERY_NOT_READ_ONLY: 403,
  HTTP_NOT_FOUND: 404,
  PIPELINE_UNKNOWN: 404,
  ASSET_UNKNOWN: 404,
  RUN_UNKNOWN: 404,
  SCHEDULE_UNKNOWN: 404,
  SCHEDULE_NOT_DEPLOYED: 409,
  BACKFILL_UNKNOWN: 404,
  TABLE_UNKNOWN: 404,
  WAREHOUSE_UNKNOWN: 404,
  SOURCE_TABLE_MISSING: 404,
  QUERY_TIMEOUT: 408,
  HTTP_TOO_LARGE: 413,
  HTTP_HOST_REFUSED: 421,
  QUERY_TOO_LARGE: 422,
  QUERY_BUSY: 503,
};

/** Something outside this process does not answer: another try may succeed. */
const UNAVAILABLE = /_(UNREACHABLE|LOCKED)$/;

export interface HttpFailure {
  readonly status: FailureStatus;
  readonly body: { readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string } };
}

/** An unexpected failure is not described to the caller, because its message may quote data: the logger gets it. */
export function httpFailure(failure: unknown): HttpFailure {
  const error =
    failure instanceof WalflowError ? failure : new WalflowError('INTERNAL', 'the request failed unexpectedly');
  const { code, message, hint } = error;
  return { status: STATUS[code] ?? (UNAVAILABLE.test(code) ? 503 : 500), body: { error: { code, message, hint } } };
}
