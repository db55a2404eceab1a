// An embedded S3 server: SeaweedFS `weed mini`, with every port on loopback and all but the S3 port chosen at each start, so
// that several stacks run side by side. Stored objects survive other ports: volumes announce themselves to the master, and
// the master's own files, which name the old ports, are removed at each start.

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

/** The server is on loopback only: the keys protect against mistakes, not against people. */
const ACCESS_KEY = { accessKeyId: 'walflow', secretAccessKey: 'walflow-secret' } as const;
const READY_TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 2_000;

export function s3Access({ port, bucket }: Pick<SeaweedOptions, 'port' | 'bucket'>): S3Access {
  return { endpoint: `http://${LOOPBACK}:${port}`, region: 'us-east-1', ...ACCESS_KEY, bucket };
}

/** Creates the server's folder. Returns how to start it. */
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
      // The bucket is created last of all; the filer shows it without a signed request.
      (await isOk(`http://${LOOPBACK}:${ports['filer.port']}/buckets/${options.bucket}/`)),
    readyTimeoutMs: READY_TIMEOUT_MS,
    leaves: GRPC_PARTS.map((part) => `/tmp/seaweedfs-${part}-grpc-${ports[`${part}.port.grpc`]}.sock`),
    stopSignals: ['SIGTERM'],
  };
}

/** `m<port>` holds the master's memory for one port. Everything else in the folder is objects and their names. */
async function forgetMaster(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/^m\d+$/.test(name)) await rm(join(folder, name), { recursive: true });
  }
}

/** `weed mini` starts more than S3, each part on a well-known port; and it is not for walflow to send telemetry. */
const UNUSED_PARTS = [
  '-webdav=false',
  '-admin.ui=false',
  '-s3.port.iceberg=0',
  '-s3.port.lance=0',
  '-metricsPort=0',
  '-master.telemetry=false',
];

/** Each has a gRPC port and a socket in a fixed folder, named after that port. */
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
