// A PostgreSQL server of a test file's own, for what would hurt the files that share one: it is stopped, promoted, put
// back to an older state.

import { execFile } from 'node:child_process';
import { chownSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll } from 'vitest';
import { type ChildSpec, type RunningChild, startChild } from '../../workers/embedded/child.ts';
import { freePorts } from '../../workers/embedded/port.ts';
import { type PostgresOptions, postgresUrl, preparePostgres } from '../../workers/embedded/postgres.ts';
import { withClient } from './database.ts';

const run = promisify(execFile);

export interface PostgresServer {
  url(): string;
  /** Fast shutdown: everything committed is on disk. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Keeps a copy of the stopped cluster. */
  backUp(): Promise<void>;
  /** The stopped cluster is the copy again. */
  restore(): Promise<void>;
  /** Puts a file into the cluster's folder, as its server's user owns one. */
  writeFile(name: string, content: string | Buffer): void;
  /** Starts the stopped cluster as a standby and promotes it: the same data on a new timeline. */
  startPromoted(): Promise<void>;
}

/** Runs while the tests of the calling file do. */
export function freshPostgres(folder: string): PostgresServer {
  let options: PostgresOptions;
  let spec: ChildSpec;
  let server: RunningChild | undefined;
  const cluster = () => join(spec.cwd, 'data');
  const backup = () => join(spec.cwd, 'backup');
  const start = async () => {
    server = await startChild(spec);
  };
  beforeAll(async () => {
    const [port = 0] = await freePorts(1);
    options = {
      folder: join(folder, 'postgres'),
      port,
      logFile: join(folder, 'postgres.log'),
      role: { name: 'postgres', password: 'postgres', superuser: true },
      database: 'postgres',
      settings: { shared_buffers: '32MB', fsync: 'off', full_page_writes: 'off' },
    };
    spec = await preparePostgres(options);
    await start();
  });
  afterAll(async () => {
    await server?.stop();
  });
  return {
    url: () => postgresUrl(options),
    start,
    stop: async () => {
      await server?.stop();
    },
    // Owner and modes stay: PostgreSQL refuses a cluster of anybody else.
    backUp: async () => void (await run('cp', ['-a', cluster(), backup()])),
    restore: async () => {
      rmSync(cluster(), { recursive: true });
      await run('cp', ['-a', backup(), cluster()]);
    },
    writeFile: (name, content) => {
      const { uid, gid } = statSync(cluster());
      writeFileSync(join(cluster(), name), content, { mode: 0o600 });
      chownSync(join(cluster(), name), uid, gid);
    },
    startPromoted: async () => {
      writeFileSync(join(cluster(), 'standby.signal'), '');
      await start();
      await withClient(postgresUrl(options), (client) => client.query('select pg_promote()'));
    },
  };
}
