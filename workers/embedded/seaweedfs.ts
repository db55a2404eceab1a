// A real S3 server of our own: SeaweedFS `weed mini`, every port of it on loopback, all but the S3 port chosen free at
// each start so that several stacks run side by side. What it stores survives a change of these ports: volumes announce
// themselves to the master, and the master's own memory is therefore dropped each time.

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChildSpec } from './child.ts';
import { freePorts, LOOPBACK } from './port.ts';

export interface S3Access {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly bucket: string;
}

export interface SeaweedOptions {
  /** The `weed` program. */
  readonly program: string;
  readonly folder: string;
  readonly port: number;
  readonly logFile: string;
  readonly bucket: string;
}

/** Loopback only, so these guard against mix-ups, not against people. */
const ACCESS_KEY = { accessKeyId: 'walflow', secretAccessKey: 'walflow-secret' } as const;
const READY_TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 2_000;

export function s3Access({ port, bucket }: Pick<SeaweedOptions, 'port' | 'bucket'>): S3Access {
  return { endpoint: `http://${LOOPBACK}:${port}`, region: 'us-east-1', ...ACCESS_KEY, bucket };
}

/** Says how to start the server; makes its folder. */
export async function prepareSeaweed(options: SeaweedOptions): Promise<ChildSpec> {
  await mkdir(options.folder, { recursive: true });
  await forgetMaster(options.folder);
  const ports = await internalPorts();
  return {
    name: 'seaweedfs',
    command: options.program,
    args: [
      '-logtostderr',
      'mini',
      `-dir=${options.folder}`,
      `-ip=${LOOPBACK}`,
      `-ip.bind=${LOOPBACK}`,
      `-s3.port=${options.port}`,
      // Relative to the folder it runs in: a socket's path may have 107 bytes.
      '-s3.localSocket=s3.sock',
      '-filer.localSocket=filer.sock',
      ...Object.entries(ports).map(([flag, port]) => `-${flag}=${port}`),
      ...UNUSED_PARTS,
    ],
    env: {
      PATH: process.env.PATH,
      HOME: options.folder,
      AWS_ACCESS_KEY_ID: ACCESS_KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ACCESS_KEY.secretAccessKey,
      S3_BUCKET: options.bucket,
    },
    cwd: options.folder,
    logFile: options.logFile,
    ready: async () =>
      (await isOk(`http://${LOOPBACK}:${options.port}/healthz`)) &&
      // The bucket is made last of all; the filer tells without a signed request.
      (await isOk(`http://${LOOPBACK}:${ports['filer.port']}/buckets/${options.bucket}/`)),
    readyTimeoutMs: READY_TIMEOUT_MS,
    leaves: GRPC_PARTS.map((part) => `/tmp/seaweedfs-${part}-grpc-${ports[`${part}.port.grpc`]}.sock`),
    stopSignals: ['SIGTERM'],
  };
}

/** `m<port>` is what the master remembers of one port. Everything else in the folder is objects and their names. */
async function forgetMaster(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/^m\d+$/.test(name)) await rm(join(folder, name), { recursive: true });
  }
}

/** `weed mini` starts more than S3, and each part wants a well-known port; telemetry is not ours to send. */
const UNUSED_PARTS = [
  '-webdav=false',
  '-admin.ui=false',
  '-s3.port.iceberg=0',
  '-s3.port.lance=0',
  '-metricsPort=0',
  '-master.telemetry=false',
];

/** Each has a gRPC port and, at a fixed place, a socket named after that port. */
const GRPC_PARTS = ['s3', 'master', 'filer', 'volume', 'admin'] as const;

async function internalPorts(): Promise<Readonly<Record<string, number>>> {
  const flags = GRPC_PARTS.flatMap((part) => (part === 's3' ? [] : [`${part}.port`]).concat(`${part}.port.grpc`));
  const free = await freePorts(flags.length);
  return Object.fromEntries(flags.map((flag, i) => [flag, free[i] ?? 0]));
}

async function isOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
  await response.body?.cancel();
  return response.ok;
}
