import { describe, expect, test } from 'vitest';
import { demoEnvironment, neededServers, requireSensible, workerEnvironment } from '../../../workers/cli/dev/plan.ts';
import { adHocProject } from '../../../workers/config/ad-hoc.ts';
import { readSettings } from '../../../workers/config/setting.ts';

const FLAGS = { rate: 200 };
const S3 = {
  endpoint: 'http://127.0.0.1:8333',
  region: 'us-east-1',
  accessKeyId: 'own',
  secretAccessKey: 'own-secret',
  bucket: 'walflow',
};

function project(env: Record<string, string>) {
  const source = 'postgres://u:p@db/app';
  return adHocProject({ source, tables: [], pipeline: 'main', home: '/h', folder: '/f', env });
}

describe('which servers dev brings itself', () => {
  test('all of them for the demo', () => {
    const need = neededServers(project({}), { ...FLAGS, demo: true }, readSettings({}));
    expect(need).toEqual({ postgres: true, s3: true, temporal: true });
  });

  test('no Postgres for a source of the user, no Temporal where an address is set', () => {
    const need = neededServers(project({}), FLAGS, readSettings({ TEMPORAL_ADDRESS: 'temporal:7233' }));
    expect(need).toEqual({ postgres: false, s3: true, temporal: false });
  });

  test('no S3 only where an endpoint is named: credentials of a cloud alone are not enough', () => {
    const named = project({ AWS_ENDPOINT_URL_S3: 'https://s3.example.com' });
    expect(neededServers(named, FLAGS, readSettings({})).s3).toBe(false);
    expect(neededServers(project({ AWS_PROFILE: 'company' }), FLAGS, readSettings({})).s3).toBe(true);
  });
});

test('the demo listens where the port settings say', () => {
  expect(demoEnvironment(readSettings({ WALFLOW_POSTGRES_PORT: '6000' }), '/home')).toEqual({
    DATABASE_URL: 'postgres://walflow:walflow@127.0.0.1:6000/shop',
    WALFLOW_DEMO_WAREHOUSE: '/home/warehouse.duckdb',
  });
});

test('workers get the addresses, and no credentials of this machine beside those of the own S3 server', () => {
  const env = workerEnvironment({ AWS_PROFILE: 'company', AWS_SESSION_TOKEN: 't', PATH: '/bin' }, '/home', {
    s3: S3,
    temporalAddress: '127.0.0.1:7233',
    httpPort: 4400,
    ingestHttpPort: 4401,
  });
  expect(env).toMatchObject({
    PATH: '/bin',
    WALFLOW_HOME: '/home',
    AWS_ENDPOINT_URL_S3: S3.endpoint,
    AWS_ACCESS_KEY_ID: 'own',
    AWS_PROFILE: undefined,
    AWS_SESSION_TOKEN: undefined,
    TEMPORAL_ADDRESS: '127.0.0.1:7233',
    WALFLOW_METRICS_PEERS: 'ingest=http://127.0.0.1:4401/metrics',
  });
});

test.each([{ tables: ['public.a'] }, { pipeline: 'x' }])('flags without --source are wrong use: %j', (flags) => {
  expect(() => requireSensible({ ...FLAGS, ...flags })).toThrow(/belongs to --source/);
});
