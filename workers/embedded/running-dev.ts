// `<home>/running.json`: what other commands need to work on the `walflow dev` that runs in a state folder, whose
// configuration and servers they could not know. It holds the sources' passwords, so only its owner may read it; it is
// removed when `dev` ends, and counts only while that process lives.

import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadedAsset, LoadedCaptured } from '../../workflows/model/asset/definition.ts';
import { buildAssetGraph } from '../../workflows/model/asset/graph.ts';
import type { LoadedSchedule } from '../../workflows/model/asset/schedule.ts';
import type { ResolvedPipeline, ResolvedProject, ResolvedWarehouse } from '../config/project.ts';
import type { Environment } from '../config/setting.ts';
import { isAlive, type ProcessIdentity, processOf } from './process-identity.ts';
import type { S3Access } from './seaweedfs.ts';

export interface RunningDev {
  readonly project: ResolvedProject;
  /** Settings of its workers, with the addresses of its servers. */
  readonly env: Environment;
  /** Absent when every lake is elsewhere. */
  readonly s3?: S3Access;
}

interface Note {
  readonly process: ProcessIdentity | null;
  readonly env: Environment;
  readonly s3?: S3Access;
  readonly name: string;
  readonly file: string | null;
  readonly files: readonly string[];
  readonly warehouses: readonly ResolvedWarehouse[];
  readonly pipelines: readonly ResolvedPipeline[];
  readonly assets: readonly LoadedAsset[];
  readonly described: readonly LoadedCaptured[];
  readonly schedules: readonly LoadedSchedule[];
}

/** Settings only: keys of S3 and variables of the user's own configuration stay out. */
const NOTED = /^(TEMPORAL_|WALFLOW_(?!URL$|SOURCE_URL$))/;
const OWNER_ONLY = 0o600;

const noteFile = (home: string) => join(home, 'running.json');

/** Notes this process as the `walflow dev` of a state folder. */
export async function noteRunningDev(home: string, { project, env, s3 }: RunningDev): Promise<void> {
  const note: Note = {
    process: await processOf(process.pid),
    env: Object.fromEntries(Object.entries(env).filter(([name]) => NOTED.test(name))),
    ...(s3 === undefined ? {} : { s3 }),
    name: project.name,
    file: project.file,
    files: project.files,
    warehouses: [...project.warehouses.values()],
    pipelines: [...project.pipelines.values()],
    assets: project.graph.made.map(({ definition }) => definition),
    described: project.graph.described,
    schedules: project.schedules,
  };
  // A file that is made again has this mode from its first byte on.
  const fresh = `${noteFile(home)}.${randomUUID()}`;
  await writeFile(fresh, JSON.stringify(note), { mode: OWNER_ONLY });
  await rename(fresh, noteFile(home));
}

export async function forgetRunningDev(home: string): Promise<void> {
  await rm(noteFile(home), { force: true });
}

/** The `walflow dev` that runs in a state folder; null when none does. */
export async function runningDev(home: string): Promise<RunningDev | null> {
  const note = await readNote(home);
  if (note === null || note.process === null || !(await isAlive(note.process))) return null;
  const { name, file, files, env, s3, schedules } = note;
  const pipelines = new Map(note.pipelines.map((pipeline) => [pipeline.name, pipeline]));
  const warehouses = new Map(note.warehouses.map((warehouse) => [warehouse.name, warehouse]));
  const graph = buildAssetGraph(note.assets, new Set(pipelines.keys()), note.described);
  const project = { name, file, files, warehouses, pipelines, graph, schedules };
  return { project, env, ...(s3 === undefined ? {} : { s3 }) };
}

async function readNote(home: string): Promise<Note | null> {
  try {
    return JSON.parse(await readFile(noteFile(home), 'utf8'));
  } catch {
    return null;
  }
}
