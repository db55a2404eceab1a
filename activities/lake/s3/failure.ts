// What a failed S3 request means to the operator. Stores answer with AWS's error names; a request that never reached one
// failed by its socket or credentials. Names: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html

import { WalflowError } from '../../../workflows/model/errors.ts';

/** The parts of the SDK's errors that distinguish them; each can be missing. */
interface S3Failure {
  readonly name?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const DENIED = new Set([
  'AccessDenied',
  'AccountProblem',
  'AllAccessDisabled',
  'AuthorizationHeaderMalformed',
  'CredentialsProviderError',
  'ExpiredToken',
  'Forbidden',
  'InvalidAccessKeyId',
  'InvalidToken',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
]);

const factsOf = (failure: unknown): S3Failure => (typeof failure === 'object' && failure !== null ? failure : {});

const statusOf = (failure: unknown) => factsOf(failure).$metadata?.httpStatusCode ?? 0;

/** A 404 for an object. A missing bucket has an error name of its own, except in answers to HEAD, which have no body. */
export function isMissingObject(failure: unknown): boolean {
  return statusOf(failure) === 404 && factsOf(failure).name !== 'NoSuchBucket';
}

/** The object exists, so If-None-Match failed. */
export function isPreconditionFailed(failure: unknown): boolean {
  return statusOf(failure) === 412;
}

/** Two conditional writes of one key collided, and the store asks for another try. */
export function isConflict(failure: unknown): boolean {
  return statusOf(failure) === 409;
}

/** The store does not support the header. */
export function isNotImplemented(failure: unknown): boolean {
  return statusOf(failure) === 501;
}

/** The answer to a HEAD has no body and so no error name. */
function nameOf(failure: unknown): string {
  const { name = 'Error' } = factsOf(failure);
  return name === 'Unknown' ? `HTTP ${statusOf(failure)}` : name;
}

/** @param what the request with its key: `PUT log/00…1.json`. */
export function lakeFailure(failure: unknown, what: string, bucket: string): WalflowError {
  if (failure instanceof WalflowError) return failure;
  const { message = '' } = factsOf(failure);
  const name = nameOf(failure);
  const details = { cause: failure };
  if (name === 'NoSuchBucket') return new WalflowError('LAKE_BUCKET_MISSING', `there is no bucket ${bucket}`, details);
  if (DENIED.has(name) || statusOf(failure) === 401 || statusOf(failure) === 403) {
    return new WalflowError('LAKE_ACCESS_DENIED', `${what} in bucket ${bucket} was refused: ${name}`, details);
  }
  if (message.startsWith('Region is missing')) {
    return new WalflowError('CONFIG_INVALID', `no region is known for bucket ${bucket}`, {
      ...details,
      hint: 'set `region` beside the lake url, or AWS_REGION',
    });
  }
  return new WalflowError('LAKE_UNREACHABLE', `${what} in bucket ${bucket} failed: ${name}`, details);
}
