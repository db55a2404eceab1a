// Opens what the activities of a project need: one S3 client per pipeline, and all settings.

import { S3Lake } from '../activities/lake/s3/lake.ts';
import type { PipelineResources } from '../activities/resources.ts';
import type { ResolvedPipeline, ResolvedProject } from './config/project.ts';
import type { S3Access } from './embedded/seaweedfs.ts';

/** Longer than the doorbell's longest delay (4 s), so that under load one activity serves every ring. */
const LINGER_MS = 6_000;
/** A lingering merge looks for the next manifest eight times per `flush.maxDelayMs` at most, within these bounds. */
const MIN_POLL_MS = 10;
const MAX_POLL_MS = 100;

/** Resources of every pipeline, by name. */
export function openPipelines(project: ResolvedProject): ReadonlyMap<string, PipelineResources> {
  return new Map([...project.pipelines].map(([name, pipeline]) => [name, openPipeline(pipeline)]));
}

/** @param embedded the S3 server of a `walflow dev`, for a lake without an endpoint of its own */
export function openLake({ name, lake }: ResolvedPipeline, embedded?: S3Access): S3Lake {
  const own = lake.endpoint === undefined ? embedded : undefined;
  const endpoint = lake.endpoint ?? own?.endpoint;
  const region = own?.region ?? lake.region;
  return new S3Lake({
    bucket: lake.bucket,
    prefix: [lake.prefix, name].filter((part) => part !== '').join('/'),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(own === undefined ? {} : { credentials: own }),
  });
}

function openPipeline(pipeline: ResolvedPipeline): PipelineResources {
  const { name, warehouse, source, lake, flush, merge, snapshot } = pipeline;
  const pollMs = Math.min(MAX_POLL_MS, Math.max(MIN_POLL_MS, Math.round(flush.maxDelayMs / 8)));
  return {
    name,
    warehouse,
    source,
    flush,
    snapshot,
    merge: { ...merge, lingerMs: LINGER_MS, pollMs, everyMs: flush.maxDelayMs },
    verifyWrites: lake.verifyWrites,
    inlineBytes: lake.inlineBytes,
    lake: openLake(pipeline),
  };
}
