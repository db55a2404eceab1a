import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Client, Connection } from '@temporalio/client';
import { afterEach, expect, test } from 'vitest';
import { cleanUp } from '../../workers/embedded/clean-up.ts';
import { notedChildren } from '../../workers/embedded/pid-file.ts';
import { freePorts } from '../../workers/embedded/port.ts';
import { type Identity, postgresIdentity } from '../../workers/embedded/postgres-identity.ts';
import type { S3Access } from '../../workers/embedded/seaweedfs.ts';
import { type EmbeddedStack, type StackEvent, type StackOptions, startStack } from '../../workers/embedded/stack.ts';
import { withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { stillRunning } from '../support/process.ts';

const root = freshFolder();
const stacks: EmbeddedStack[] = [];
afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.stop();
});

const SCRIPT = join(import.meta.dirname, 'stack-process.ts');
const STOP_BOUND_MS = 10_000;
const ALL = { postgres: true, s3: true, temporal: true } as const;
const POSTGRES_ONLY = { postgres: true, s3: false, temporal: false } as const;

async function optionsFor(name: string, need: StackOptions['need'], events: StackEvent[] = []): Promise<StackOptions> {
  const [postgres = 0, s3 = 0, temporal = 0, temporalUi = 0] = await freePorts(4);
  const ports = { postgres, s3, temporal, temporalUi };
  return { home: join(root, name), ports, need, env: process.env, onProgress: (event) => void events.push(event) };
}

async function start(options: StackOptions): Promise<EmbeddedStack> {
  const stack = await startStack(options);
  stacks.push(stack);
  return stack;
}

async function pidsOf(home: string): Promise<readonly number[]> {
  return (await notedChildren(home)).map(({ pid }) => pid);
}

test('state survives a stop and a start on other ports, and a stop leaves no process', {
  timeout: 120_000,
}, async () => {
  const options = await optionsFor('state', ALL);
  const first = await start(options);
  const url = first.postgresUrl ?? '';
  expect(url).toBe(`postgres://walflow:walflow@127.0.0.1:${options.ports.postgres}/shop`);
  await withClient(url, (client) => client.query('create table kept (id int); insert into kept values (7)'));
  await putObject(first.s3, 'kept', 'as it was');
  await startWorkflow(first.temporalAddress ?? '', 'kept');
  expect((await fetch(first.temporalUiUrl ?? '')).status).toBe(200);

  const pids = await pidsOf(options.home);
  expect(pids).toHaveLength(3);
  const startedMs = performance.now();
  await first.stop();
  expect(performance.now() - startedMs).toBeLessThan(STOP_BOUND_MS);
  expect(await stillRunning(pids)).toEqual([]);

  const second = await start({ ...(await optionsFor('state', ALL)), home: options.home });
  const { rows } = await withClient(second.postgresUrl ?? '', (client) => client.query('select id from kept'));
  expect(rows).toEqual([{ id: 7 }]);
  expect(await getObject(second.s3, 'kept')).toBe('as it was');
  expect(await workflowStatus(second.temporalAddress ?? '', 'kept')).toBe('RUNNING');
});

test("the demo's role may replicate and create publications in its database, and is no superuser", async () => {
  const { postgresUrl = '' } = await start(await optionsFor('role', POSTGRES_ONLY));
  const { rows } = await withClient(postgresUrl, async (client) => {
    await client.query('create table t (id int primary key); create publication p for table t');
    await client.query(`select pg_create_logical_replication_slot('s', 'pgoutput'), pg_drop_replication_slot('s')`);
    return client.query('select rolsuper, rolreplication from pg_roles where rolname = current_user');
  });
  expect(rows).toEqual([{ rolsuper: false, rolreplication: true }]);
});

test('two stacks with different homes run side by side; the same home is refused while the first lives', async () => {
  const options = await optionsFor('one', { ...POSTGRES_ONLY, s3: true });
  await start(options);
  await start(await optionsFor('two', { ...POSTGRES_ONLY, s3: true }));
  const again = { ...(await optionsFor('one', POSTGRES_ONLY)), home: options.home };
  await expect(startStack(again)).rejects.toMatchObject({ code: 'DEV_ALREADY_RUNNING' });
});

test.each([
  ['postgres', 'WALFLOW_POSTGRES_PORT'],
  ['s3', 'WALFLOW_S3_PORT'],
  ['temporal', 'WALFLOW_TEMPORAL_PORT'],
  ['temporalUi', 'WALFLOW_TEMPORAL_UI_PORT'],
] as const)('a taken %s port is named with its setting, and nothing is started', async (port, setting) => {
  const options = await optionsFor(`taken-${port}`, ALL);
  const other = createServer().listen(options.ports[port], '127.0.0.1');
  await once(other, 'listening');
  await expect(startStack(options)).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringContaining(`port ${options.ports[port]}`),
    hint: expect.stringContaining(setting),
  });
  other.close();
  expect(await pidsOf(options.home)).toEqual([]);
});

test('a PostgreSQL that is killed is started again on its port, with its data', async () => {
  const events: StackEvent[] = [];
  const options = await optionsFor('killed-postgres', POSTGRES_ONLY, events);
  const { postgresUrl = '' } = await start(options);
  await withClient(postgresUrl, (client) => client.query('create table kept (id int)'));
  await killTheOnly(options, events);
  await withClient(postgresUrl, (client) => client.query('select id from kept'));
});

test('an S3 server that is killed is started again on its port, with its objects', async () => {
  const events: StackEvent[] = [];
  const options = await optionsFor('killed-s3', { ...POSTGRES_ONLY, postgres: false, s3: true }, events);
  const { s3 } = await start(options);
  await putObject(s3, 'kept', 'as it was');
  await killTheOnly(options, events);
  expect(await getObject(s3, 'kept')).toBe('as it was');
});

async function killTheOnly({ home }: StackOptions, events: readonly StackEvent[]): Promise<void> {
  const [pid = 0] = await pidsOf(home);
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => events.map(({ tag }) => tag), { timeout: 30_000 }).toEqual(['ready', 'crashed', 'ready']);
  expect(await pidsOf(home)).not.toContain(pid);
}

test('a start that is no longer wanted leaves nothing running', async () => {
  const unwanted = new AbortController();
  const options = { ...(await optionsFor('unwanted', ALL)), signal: unwanted.signal };
  const starting = startStack(options);
  setTimeout(() => unwanted.abort(new Error('stopped by Ctrl-C')), 300);
  await expect(starting).rejects.toThrow('stopped by Ctrl-C');
  expect(await pidsOf(options.home)).toEqual([]);
  await start({ ...options, signal: new AbortController().signal });
});

test('after a kill -9 of the parent, cleaning up leaves no process, and the next start goes on', async () => {
  const options = await optionsFor('orphaned', { ...POSTGRES_ONLY, s3: true });
  const { home, ports } = options;
  const parent = await stackProcess(home, `${ports.postgres},${ports.s3}`);
  const pids = await pidsOf(home);
  expect(pids).toHaveLength(2);
  const gone = once(parent, 'exit');
  parent.kill('SIGKILL');
  await gone;
  await cleanUp(home);
  expect(await stillRunning(pids)).toEqual([]);
  await start(options);
});

test('cleaning up stops a running stack', async () => {
  const options = await optionsFor('down', { ...POSTGRES_ONLY, s3: true });
  const { home, ports } = options;
  const parent = await stackProcess(home, `${ports.postgres},${ports.s3}`);
  const pids = await pidsOf(home);
  const ended = await cleanUp(home);
  expect(ended[0]).toMatchObject({ name: 'walflow dev', pid: parent.pid });
  expect(await stillRunning([...pids, parent.pid ?? 0])).toEqual([]);
});

test('a user who is not root starts PostgreSQL as themselves', async ({ skip }) => {
  const nobody = await postgresIdentity();
  skip(nobody === undefined, 'this run is by a user who is not root already');
  skip(!(await canRead(SCRIPT, nobody)), 'this checkout is closed to other users');
  const { home, ports } = await optionsFor('not-root', POSTGRES_ONLY);
  mkdirSync(home);
  chownSync(home, nobody?.uid ?? 0, nobody?.gid ?? 0);
  const parent = await stackProcess(home, `${ports.postgres},0`, nobody);
  const [pid = 0] = await pidsOf(home);
  expect(statSync(`/proc/${pid}`).uid).toBe(nobody?.uid);
  await cleanUp(home);
  expect(await stillRunning([pid, parent.pid ?? 0])).toEqual([]);
});

async function stackProcess(home: string, ports: string, identity?: Identity) {
  const parent = spawn(process.execPath, [SCRIPT, home, ports], { stdio: ['ignore', 'pipe', 'inherit'], ...identity });
  await once(parent.stdout, 'data');
  return parent;
}

function canRead(file: string, identity: Identity | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--check', file], { ...identity }, (error) => resolve(error === null));
  });
}

async function putObject(s3: S3Access | undefined, key: string, body: string): Promise<void> {
  await withS3(s3, (client, Bucket) => client.send(new PutObjectCommand({ Bucket, Key: key, Body: body })));
}

async function getObject(s3: S3Access | undefined, key: string): Promise<string | undefined> {
  return withS3(s3, async (client, Bucket) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key }));
    return Body?.transformToString();
  });
}

async function withS3<T>(s3: S3Access | undefined, work: (client: S3Client, bucket: string) => Promise<T>): Promise<T> {
  if (s3 === undefined) throw new Error('no S3 server');
  const { bucket, endpoint, region, ...credentials } = s3;
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  try {
    return await work(client, bucket);
  } finally {
    client.destroy();
  }
}

/** Started and never worked on: it stays running. */
async function startWorkflow(address: string, workflowId: string): Promise<void> {
  await withTemporal(address, (client) => client.workflow.start('nobody', { workflowId, taskQueue: 'nobody' }));
}

async function workflowStatus(address: string, workflowId: string): Promise<string> {
  return withTemporal(address, async (client) => (await client.workflow.getHandle(workflowId).describe()).status.name);
}

async function withTemporal<T>(address: string, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await work(new Client({ connection }));
  } finally {
    await connection.close();
  }
}
