// One real server of each kind per test run, started side by side on free ports in a temporary folder, given to the test
// files by vitest (`inject('servers')`). TEST_POSTGRES_URL names a running PostgreSQL to use instead of an own one.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type ChildSpec, type RunningChild, startChild } from '../../workers/embedded/child.ts';
import { fetchProgress } from '../../workers/embedded/fetch-progress.ts';
import { freePorts } from '../../workers/embedded/port.ts';
import { type PostgresOptions, postgresUrl, preparePostgres } from '../../workers/embedded/postgres.ts';
import { TEMPORAL_CLI, WEED } from '../../workers/embedded/program-release.ts';
import { findProgram } from '../../workers/embedded/program-search.ts';
import { prepareSeaweed, type S3Access, type SeaweedOptions, s3Access } from '../../workers/embedded/seaweedfs.ts';
import { prepareTemporal, type TemporalOptions, temporalAddress } from '../../workers/embedded/temporal.ts';
import { workflowBundle } from '../../workers/temporal/workflow-bundle.ts';

export interface TestServers {
  /** Superuser on database `postgres`. */
  readonly postgresUrl: string;
  readonly s3: S3Access;
  readonly temporalAddress: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    servers: TestServers;
  }
}

/** A laptop's worth of memory, no waiting for disks that nobody needs after the run; slots for every file at once. */
const TEST_SETTINGS = {
  shared_buffers: '64MB',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  max_replication_slots: '60',
  max_wal_senders: '60',
};

const SEARCH = {
  env: process.env,
  onFetch: fetchProgress(
    (text) => process.stderr.write(text),
    false,
    () => performance.now(),
  ),
};

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'walflow-test-'));
  // PostgreSQL may run as another user, who has to come through here.
  await chmod(folder, 0o755);
  const running: RunningChild[] = [];
  const stop = async () => {
    await Promise.all(running.map((child) => child.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  const start = async (spec: Promise<ChildSpec>) => {
    running.push(await startChild(await spec));
  };
  const [postgresPort = 0, s3Port = 0, temporalPort = 0] = await freePorts(3);
  const postgres = postgresOptions(folder, postgresPort);
  const ownPostgres = process.env.TEST_POSTGRES_URL === undefined;
  const started = await Promise.allSettled([
    ownPostgres ? start(preparePostgres(postgres)) : undefined,
    seaweedOptions(folder, s3Port).then((options) => {
      project.provide('servers', servers(postgres, options, temporalPort));
      return start(prepareSeaweed(options));
    }),
    temporalOptions(folder, temporalPort).then((options) => start(prepareTemporal(options))),
    // Made once here, or the first workers of every file would each make it.
    workflowBundle(),
  ]);
  const failure = started.find((result) => result.status === 'rejected');
  if (failure !== undefined) {
    await stop();
    throw failure.reason;
  }
  return stop;
}

function postgresOptions(folder: string, port: number): PostgresOptions {
  return {
    folder: join(folder, 'postgres'),
    port,
    logFile: join(folder, 'logs', 'postgres.log'),
    role: { name: 'postgres', password: 'postgres', superuser: true },
    database: 'postgres',
    settings: TEST_SETTINGS,
  };
}

async function seaweedOptions(folder: string, port: number): Promise<SeaweedOptions> {
  return {
    program: await findProgram(WEED, SEARCH),
    folder: join(folder, 'seaweedfs'),
    port,
    logFile: join(folder, 'logs', 'seaweedfs.log'),
    bucket: 'walflow-test',
  };
}

async function temporalOptions(folder: string, port: number): Promise<TemporalOptions> {
  return {
    program: await findProgram(TEMPORAL_CLI, SEARCH),
    folder: join(folder, 'temporal'),
    port,
    uiPort: null,
    logFile: join(folder, 'logs', 'temporal.log'),
  };
}

function servers(postgres: PostgresOptions, seaweed: SeaweedOptions, temporalPort: number): TestServers {
  return {
    postgresUrl: process.env.TEST_POSTGRES_URL ?? postgresUrl(postgres),
    s3: s3Access(seaweed),
    temporalAddress: temporalAddress({ port: temporalPort }),
  };
}
