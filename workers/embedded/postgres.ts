// An embedded PostgreSQL 17, on loopback, with logical replication. Its cluster is created once, complete or not at all;
// settings are passed at every start, so that a newer walflow can change them for an old cluster.

import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chown, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { ChildSpec } from './child.ts';
import { LOOPBACK } from './port.ts';
import { type Identity, postgresIdentity } from './postgres-identity.ts';
import { reachableFolder } from './postgres-place.ts';
import { type PostgresTree, usableTree } from './postgres-tree.ts';

const run = promisify(execFile);

export interface PostgresOptions {
  /** Folder of the cluster, created if it does not exist. Replaced by another one when `nobody` cannot enter it. */
  readonly folder: string;
  readonly port: number;
  readonly logFile: string;
  /** The role that logs in; it owns `database`. A superuser only where tests need one. */
  readonly role: { readonly name: string; readonly password: string; readonly superuser: boolean };
  readonly database: string;
  /** Server settings besides walflow's own. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** What walflow needs from any source, sized for a laptop. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: LOOPBACK,
  // A socket's path may have 107 bytes, and a state folder's path can be longer. TCP is enough.
  unix_socket_directories: '',
  wal_level: 'logical',
  max_replication_slots: '20',
  max_wal_senders: '20',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

const READY_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 2_000;

/** `postgres://role:password@127.0.0.1:port/database` */
export function postgresUrl({ role, port, database }: PostgresOptions): string {
  return `postgres://${role.name}:${role.password}@${LOOPBACK}:${port}/${database}`;
}

/**
 * Creates the cluster if there is none. Returns how to start its server.
 * @throws WalflowError EMBEDDED_BINARY_MISSING, EMBEDDED_POSTGRES_UNUSABLE
 */
export async function preparePostgres(options: PostgresOptions): Promise<ChildSpec> {
  const identity = await postgresIdentity();
  const folder = await reachableFolder(options.folder, identity);
  const tree = await usableTree(identity, folder);
  const cluster = join(folder, 'data');
  if (!(await exists(join(cluster, 'PG_VERSION')))) await makeCluster(tree, folder, options, identity);
  const settings = { ...SETTINGS, port: String(options.port), ...options.settings };
  return {
    name: 'postgres',
    command: join(tree, 'bin', 'postgres'),
    args: ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    env: serverEnvironment(),
    cwd: folder,
    logFile: options.logFile,
    ...(identity === undefined ? {} : { identity }),
    ready: () => answers(postgresUrl(options)),
    readyTimeoutMs: READY_TIMEOUT_MS,
    // SIGTERM would wait for every client to leave: SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one
    // (https://www.postgresql.org/docs/17/server-shutdown.html).
    stopSignals: ['SIGINT', 'SIGQUIT'],
  };
}

async function makeCluster(
  tree: PostgresTree,
  folder: string,
  options: PostgresOptions,
  identity: Identity | undefined,
): Promise<void> {
  const draft = join(folder, `data.${randomUUID()}`);
  const passwordFile = `${draft}.password`;
  const { role } = options;
  const cluster = { cwd: folder, env: serverEnvironment(), ...identity };
  try {
    // Where no superuser is needed its password is random and never stored.
    await writeFile(passwordFile, role.superuser ? role.password : randomUUID(), { mode: 0o600 });
    if (identity !== undefined) await chown(passwordFile, identity.uid, identity.gid);
    const superuser = role.superuser ? role.name : 'postgres';
    const flags = ['--auth=scram-sha-256', '--encoding=UTF8', '--no-locale', '--no-sync', '--no-instructions'];
    await run(
      join(tree, 'bin', 'initdb'),
      ['-D', draft, `--username=${superuser}`, `--pwfile=${passwordFile}`, ...flags],
      cluster,
    );
    await runSingleUser(join(tree, 'bin', 'postgres'), draft, setupSql(options), cluster);
    await rename(draft, join(folder, 'data'));
  } catch (cause) {
    if (cause instanceof WalflowError) throw cause;
    throw new WalflowError('EMBEDDED_POSTGRES_UNUSABLE', `PostgreSQL's cluster could not be created in ${folder}`, {
      cause,
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
    await rm(passwordFile, { force: true });
  }
}

function setupSql({ role, database }: PostgresOptions): readonly string[] {
  const name = pg.escapeIdentifier(role.name);
  return [
    ...(role.superuser
      ? []
      : [`create role ${name} login replication createdb password ${pg.escapeLiteral(role.password)}`]),
    ...(database === 'postgres' ? [] : [`create database ${pg.escapeIdentifier(database)} owner ${name}`]),
  ];
}

/** Runs statements in `postgres --single`: no port, no password, no other session. */
async function runSingleUser(
  program: string,
  cluster: string,
  statements: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly uid?: number; readonly gid?: number },
): Promise<void> {
  if (statements.length === 0) return;
  const server = spawn(program, ['--single', '-j', '-D', cluster, 'postgres'], { ...options, stdio: 'pipe' });
  let output = '';
  server.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  server.stderr.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  // -j: a statement ends at a semicolon followed by an empty line.
  server.stdin.end(statements.map((statement) => `${statement};\n\n`).join(''));
  const [code] = await once(server, 'close');
  if (code !== 0 || /^.*(ERROR|FATAL|PANIC):/m.test(output)) {
    throw new WalflowError(
      'EMBEDDED_POSTGRES_UNUSABLE',
      `PostgreSQL's first role could not be created: ${output.trim()}`,
    );
  }
}

/** PGDATA, PGPORT and the like from the user's shell must not reach this server. */
function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', LANG: 'C' };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
