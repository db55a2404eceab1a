// Names no other test file uses, so that all files share one S3 bucket and one Temporal server.

import { randomBytes } from 'node:crypto';

/** `test/3f9c…`: an S3 key prefix, without a slash at its end. */
export function freshKeyPrefix(): string {
  return `test/${randomBytes(6).toString('hex')}`;
}

/** A Temporal task queue, also good as the distinguishing part of workflow ids. */
export function freshTaskQueue(): string {
  return `test-${randomBytes(6).toString('hex')}`;
}

/** A pipeline's name: also names its slot, publication, and workflows. */
export function freshPipelineName(): string {
  return `p${randomBytes(6).toString('hex')}`;
}
