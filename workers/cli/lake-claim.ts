// What proves to the command line that a slot is a pipeline's own: what its lake says. It is noted in the state folder,
// because the lake of `walflow dev` answers only while its S3 server runs.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readHead } from '../../activities/capture/log-position.ts';
import type { LakeClaim } from '../../activities/capture/ownership.ts';
import { readClaim } from '../../activities/capture/source-claim.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { ResolvedPipeline } from '../config/project.ts';
import type { S3Access } from '../embedded/seaweedfs.ts';
import { openLake } from '../pipeline-resources.ts';
import { answeredSoon } from './source-access.ts';

export interface ClaimPlace {
  /** State folder, absolute. */
  readonly home: string;
  /** The S3 server of a running `walflow dev`. */
  readonly s3: S3Access | undefined;
}

type Notes = Readonly<Record<string, LakeClaim>>;

const notesSchema: z.ZodType<Notes> = z.record(
  z.string(),
  z.object({ id: z.string().nullable(), slots: z.array(z.string()) }),
);

const noteFile = (home: string) => join(home, 'lakes.json');
const placeOf = ({ name, lake }: ResolvedPipeline) => `${lake.url}/${name}`;

/**
 * What the lake says now, or said when it last answered.
 * @throws WalflowError LAKE_UNREACHABLE when it has never answered here
 */
export async function lakeClaim(pipeline: ResolvedPipeline, { home, s3 }: ClaimPlace): Promise<LakeClaim> {
  const lake = openLake(pipeline, s3);
  const late = () => new WalflowError('LAKE_UNREACHABLE', 'the lake does not answer');
  try {
    const claim = await answeredSoon(
      readHead(lake).then((head) => readClaim(lake, head)),
      late,
    );
    // A lake without an identity may be another one: that of a server that is stopped had one.
    if (claim.id === null) return (await notes(home))[placeOf(pipeline)] ?? claim;
    await note(home, pipeline, claim);
    return claim;
  } catch (cause) {
    const known = (await notes(home))[placeOf(pipeline)];
    if (known !== undefined) return known;
    throw unproven(pipeline, cause);
  } finally {
    lake.close();
  }
}

function unproven({ name, source: { slot } }: ResolvedPipeline, cause: unknown): WalflowError {
  const what = `the lake of pipeline ${name} does not answer, so nothing proves that slot ${slot} is its own`;
  const hint = `repeat it where the lake answers, or in SQL if you are sure: select pg_drop_replication_slot('${slot}')`;
  return new WalflowError('LAKE_UNREACHABLE', what, { cause, hint });
}

async function notes(home: string): Promise<Notes> {
  try {
    return notesSchema.parse(JSON.parse(await readFile(noteFile(home), 'utf8')));
  } catch {
    return {};
  }
}

async function note(home: string, pipeline: ResolvedPipeline, claim: LakeClaim): Promise<void> {
  const before = await notes(home);
  const next = { ...before, [placeOf(pipeline)]: claim };
  if (JSON.stringify(next) === JSON.stringify(before)) return;
  await mkdir(home, { recursive: true });
  await writeFile(noteFile(home), `${JSON.stringify(next, null, 2)}\n`);
}
