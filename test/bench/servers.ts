// The servers a benchmark runs against: its own, on free ports, in a temporary folder that goes away with them. State is
// on the disk of that folder (TMPDIR moves it): what is measured includes what a real installation writes.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChildSpec, type RunningChild, startChild } from '../../workers/embedded/child.ts';
import { freePorts } from '../../workers/embedded/port.ts';
import { type PostgresOptions, postgresUrl, preparePostgres } from '../../workers/embedded/postgres.ts';
import { type ProgramRelease, TEMPORAL_CLI, WEED } from '../../workers/embedded/program-release.ts';
import { findProgram } from '../../workers/embedded/program-search.ts';
import { prepareSeaweed, type S3Access, s3Access } from '../../workers/embedded/seaweedfs.ts';
import { prepareTemporal, temporalAddress } from '../../workers/embedded/temporal.ts';

export interface BenchServers {
  readonly folder: string;
  /** Superuser on a database of the benchmark's own. */
  readonly postgresUrl: string;
  readonly s3: S3Access;
  readonly temporalAddress: string;
  /** Starts a further process that ends before the servers. */
  start(spec: ChildSpec): Promise<RunningChild>;
  stop(): Promise<void>;
}

/** A server that has room for the log of the whole workload, and does nothing on its own while others are measured. */
const POSTGRES_SETTINGS = {
  shared_buffers: '2GB',
  max_wal_size: '16GB',
  autovacuum: 'off',
  max_replication_slots: '40',
  max_wal_senders: '40',
};

export async function startServers(
  need: { readonly pipelines: boolean },
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<BenchServers> {
  const folder = await mkdtemp(join(tmpdir(), 'walflow-bench-'));
  // PostgreSQL may run as another user, who has to come through here.
  await chmod(folder, 0o755);
  const running: RunningChild[] = [];
  const stop = async () => {
    for (const child of running.reverse()) await child.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  const start = async (spec: ChildSpec) => {
    const child = await startChild(spec, { signal, onSpawn: async (spawned) => void running.push(spawned) });
    return child;
  };
  const find = (release: ProgramRelease) =>
    findProgram(release, {
      env: process.env,
      signal,
      onFetch: (event) => event.tag === 'started' && say(`fetching ${event.title}`),
    });
  const [postgresPort = 0, s3Port = 0, temporalPort = 0] = await freePorts(3);
  const postgres = postgresOptions(folder, postgresPort);
  const s3 = { port: s3Port, bucket: 'bench' };
  try {
    await start(await preparePostgres(postgres));
    if (need.pipelines) {
      const logs = join(folder, 'logs');
      const weed = { program: await find(WEED), folder: join(folder, 'seaweedfs'), logFile: join(logs, 's3.log') };
      await start(await prepareSeaweed({ ...s3, ...weed }));
      const cli = { program: await find(TEMPORAL_CLI), folder: join(folder, 'temporal'), uiPort: null };
      await start(await prepareTemporal({ ...cli, port: temporalPort, logFile: join(logs, 'temporal.log') }));
    }
  } catch (failure) {
    await stop();
    throw failure;
  }
  const addresses = { s3: s3Access(s3), temporalAddress: temporalAddress({ port: temporalPort }) };
  return { folder, postgresUrl: postgresUrl(postgres), ...addresses, start, stop };
}

function postgresOptions(folder: string, port: number): PostgresOptions {
  return {
    folder: join(folder, 'postgres'),
    port,
    logFile: join(folder, 'logs', 'postgres.log'),
    role: { name: 'postgres', password: 'postgres', superuser: true },
    database: 'bench',
    settings: POSTGRES_SETTINGS,
  };
}
