// What `walflow dev` runs, decided before anything is started: which servers, and the environment of the workers. Pure.

import { join } from 'node:path';
import { WalflowError } from '../../../workflows/model/errors.ts';
import type { ResolvedProject } from '../../config/project.ts';
import type { Environment, Settings } from '../../config/setting.ts';
import type { S3Access } from '../../embedded/seaweedfs.ts';
import type { ProjectFlags } from '../target.ts';

export interface DevFlags extends ProjectFlags {
  readonly demo?: boolean;
  /** Rows per second of the demo traffic. */
  readonly rate: number;
  readonly dropSlotOnExit?: boolean;
}

/** Which servers `dev` starts itself. */
export interface Need {
  readonly postgres: boolean;
  readonly s3: boolean;
  readonly temporal: boolean;
}

/** Addresses for the workers. */
export interface DevAddresses {
  readonly s3?: S3Access;
  readonly temporalAddress?: string;
  readonly temporalUiUrl?: string;
  readonly httpPort: number;
  readonly ingestHttpPort: number;
}

/** @throws WalflowError USAGE_INVALID for flags that do not fit together */
export function requireSensible({ source, tables, pipeline }: DevFlags): void {
  if (source !== undefined || (tables === undefined && pipeline === undefined)) return;
  const flag = tables === undefined ? '--pipeline' : '--tables';
  throw new WalflowError('USAGE_INVALID', `${flag} belongs to --source`, {
    hint: 'name the database with --source, or the tables in the configuration',
  });
}

/** The variables that the demo's configuration reads. */
export function demoEnvironment(settings: Settings, home: string): Environment {
  return {
    DATABASE_URL: `postgres://walflow:walflow@127.0.0.1:${settings.postgresPort}/shop`,
    WALFLOW_DEMO_WAREHOUSE: join(home, 'warehouse.duckdb'),
  };
}

/**
 * S3 is embedded unless the configuration names an endpoint: `dev` never writes to a cloud account that happens to be
 * configured on this machine. The demo always uses the embedded one.
 */
export function neededServers(project: ResolvedProject, { demo = false }: DevFlags, settings: Settings): Need {
  const foreignLakes = [...project.pipelines.values()].every(({ lake }) => lake.endpoint !== undefined);
  return { postgres: demo, s3: demo || !foreignLakes, temporal: settings.temporalAddress === undefined };
}

/** The environment of both workers: that of `dev` itself, and the addresses of its servers. */
export function workerEnvironment(env: Environment, home: string, addresses: DevAddresses): Environment {
  const { s3, temporalAddress, temporalUiUrl, httpPort, ingestHttpPort } = addresses;
  return {
    ...env,
    WALFLOW_HOME: home,
    WALFLOW_HTTP_PORT: String(httpPort),
    WALFLOW_INGEST_HTTP_PORT: String(ingestHttpPort),
    WALFLOW_METRICS_PEERS: `ingest=http://127.0.0.1:${ingestHttpPort}/metrics`,
    WALFLOW_LOG_FORMAT: 'json',
    ...(temporalAddress === undefined ? {} : { TEMPORAL_ADDRESS: temporalAddress }),
    ...(temporalUiUrl === undefined ? {} : { WALFLOW_TEMPORAL_UI_URL: temporalUiUrl }),
    ...(s3 === undefined ? {} : s3Environment(s3)),
  };
}

/** A profile or session token of this machine would win over the embedded server's keys, or be sent along with them. */
function s3Environment(s3: S3Access): Environment {
  return {
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    AWS_SESSION_TOKEN: undefined,
    AWS_PROFILE: undefined,
  };
}
