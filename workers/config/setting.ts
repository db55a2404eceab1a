// Settings of a process: environment variables, some of which are also flags of the command line. In one table: the reader
// below, the help of the flags and docs/configuration.md are derived from it. What a project does is in field.ts.

import { z } from 'zod';
import { WalflowError } from '../../workflows/model/errors.ts';
import { DEFAULT_RUN_SETTINGS } from '../../workflows/model/run.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface SettingRule {
  readonly env: string;
  /** Flag of the command line with the same meaning; it wins. */
  readonly flag?: string;
  readonly value: z.ZodType;
  readonly type: string;
  /** Text form; absent = not set. */
  readonly default?: string;
  readonly help: string;
  /** Why this default. */
  readonly why?: string;
  /** Where or when it applies. */
  readonly when?: string;
}

const text = z.string();
const port = z.coerce.number<string>().int().min(0).max(65_535);
const seconds = z.coerce.number<string>().int();
/** Heartbeats reach Temporal every two seconds. */
const SHORTEST_HEARTBEAT_TIMEOUT = 5;
const flag = z.stringbool({ truthy: ['1', 'true', 'yes', 'on'], falsy: ['0', 'false', 'no', 'off'] });
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

export const SETTINGS = {
  home: {
    env: 'WALFLOW_HOME',
    value: text,
    type: 'path',
    default: '.walflow',
    help: 'state folder: embedded servers, their logs, change files on their way into the warehouse',
    why: 'beside the configuration, so that two projects do not share state',
  },
  httpPort: {
    env: 'WALFLOW_HTTP_PORT',
    flag: '--http-port <port>',
    value: port,
    type: 'port',
    default: '4400',
    help: 'API, page and metrics of the warehouse worker',
    when: 'warehouse worker and `dev`; 0 takes a free port',
  },
  httpHost: {
    env: 'WALFLOW_HTTP_HOST',
    value: text,
    type: 'address',
    default: '127.0.0.1',
    help: 'address the HTTP server listens on; any other than loopback needs WALFLOW_TOKEN',
    why: 'whoever reaches the API can read every captured row',
  },
  httpAllowedHosts: {
    env: 'WALFLOW_HTTP_ALLOWED_HOSTS',
    value: list,
    type: 'names, comma separated',
    default: '',
    help: 'more host names that requests may use, e.g. that of a reverse proxy',
    why: 'requests with another host name are refused: a web page may have resolved its own name to this machine',
  },
  ingestHttpPort: {
    env: 'WALFLOW_INGEST_HTTP_PORT',
    value: port,
    type: 'port',
    default: '4401',
    help: '/metrics and /healthz of the ingest worker',
    when: 'ingest worker and `dev`; 0 takes a free port',
  },
  metricsPeers: {
    env: 'WALFLOW_METRICS_PEERS',
    value: list,
    type: 'role=URL, comma separated',
    default: '',
    help: 'roles whose metrics /metrics also returns, with a label `role`',
    when: '`dev` sets it for its workers; in production let Prometheus scrape each role',
  },
  postgresPort: {
    env: 'WALFLOW_POSTGRES_PORT',
    value: port,
    type: 'port',
    default: '5438',
    help: 'embedded Postgres of the demo',
    why: 'not 5432, where your own Postgres may be',
    when: '`dev --demo`',
  },
  s3Port: {
    env: 'WALFLOW_S3_PORT',
    value: port,
    type: 'port',
    default: '8333',
    help: 'embedded S3 server',
    when: '`dev`, unless an S3 endpoint is configured',
  },
  temporalPort: {
    env: 'WALFLOW_TEMPORAL_PORT',
    value: port,
    type: 'port',
    default: '7233',
    help: 'embedded Temporal server',
    when: '`dev`, unless TEMPORAL_ADDRESS is set',
  },
  temporalUiPort: {
    env: 'WALFLOW_TEMPORAL_UI_PORT',
    value: port,
    type: 'port',
    default: '8233',
    help: 'Web UI of the embedded Temporal server',
    when: '`dev`, unless TEMPORAL_ADDRESS is set',
  },
  temporalUiUrl: {
    env: 'WALFLOW_TEMPORAL_UI_URL',
    value: text,
    type: 'URL',
    help: 'Temporal Web UI for links to runs; without it the page shows runs without links',
    when: 'warehouse worker; `dev` sets it for the embedded server',
  },
  url: {
    env: 'WALFLOW_URL',
    flag: '--url <url>',
    value: text,
    type: 'URL',
    help: 'the walflow that the command line talks to',
    when: 'client commands; without it http://127.0.0.1 with WALFLOW_HTTP_PORT',
  },
  token: {
    env: 'WALFLOW_TOKEN',
    flag: '--token <token>',
    value: text,
    type: 'secret',
    help: 'bearer token that the HTTP API requires and the command line sends',
    when: 'optional on loopback, required on any other address',
  },
  temporalCli: {
    env: 'WALFLOW_TEMPORAL_CLI',
    value: text,
    type: 'path',
    help: 'Temporal CLI to use instead of the one on PATH or a downloaded one',
    when: '`dev` with the embedded Temporal server',
  },
  weed: {
    env: 'WALFLOW_WEED',
    value: text,
    type: 'path',
    help: 'SeaweedFS program (4.40 or newer) to use instead of the one on PATH or a downloaded one',
    when: '`dev` with the embedded S3 server',
  },
  heartbeatTimeoutSeconds: {
    env: 'WALFLOW_HEARTBEAT_TIMEOUT',
    flag: '--heartbeat-timeout <seconds>',
    value: seconds.min(SHORTEST_HEARTBEAT_TIMEOUT),
    type: `seconds, at least ${SHORTEST_HEARTBEAT_TIMEOUT}`,
    default: String(DEFAULT_RUN_SETTINGS.heartbeatTimeoutSeconds),
    help: "silence after which Temporal gives a worker's activities to another one",
    when: '`deploy` and workers, which tell it the workflows that run; give all of them the same. `dev` takes 12 when it is not set',
    why: 'longer than any pause a healthy worker makes',
  },
  logLevel: {
    env: 'WALFLOW_LOG_LEVEL',
    flag: '--log-level <level>',
    value: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    type: 'trace, debug, info, warn, error, silent',
    default: 'info',
    help: 'lowest level of messages that are logged',
  },
  logFormat: {
    env: 'WALFLOW_LOG_FORMAT',
    flag: '--log-format <format>',
    value: z.enum(['auto', 'pretty', 'json']),
    type: 'auto, pretty, json',
    default: 'auto',
    help: 'JSON, one object per line, or text for people',
    why: 'auto: text on a terminal, JSON elsewhere',
  },
  temporalAddress: {
    env: 'TEMPORAL_ADDRESS',
    value: text,
    type: 'host:port',
    help: "address of Temporal's frontend; `dev` starts an embedded server when it is not set",
    when: 'workers; without it 127.0.0.1 with WALFLOW_TEMPORAL_PORT',
  },
  temporalNamespace: {
    env: 'TEMPORAL_NAMESPACE',
    value: text,
    type: 'name',
    default: 'default',
    help: 'Temporal namespace',
  },
  temporalApiKey: {
    env: 'TEMPORAL_API_KEY',
    value: text,
    type: 'secret',
    help: 'Temporal API key; turns TLS on',
  },
  temporalTls: {
    env: 'TEMPORAL_TLS',
    value: flag,
    type: 'true or false',
    help: 'use TLS to Temporal, with the certificate authorities of this machine',
    when: 'not needed with an API key or a certificate path',
  },
  temporalTlsServerCaCertPath: {
    env: 'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
    value: text,
    type: 'path',
    help: "PEM file with the authority that signed Temporal's certificate",
  },
  temporalTlsServerName: {
    env: 'TEMPORAL_TLS_SERVER_NAME',
    value: text,
    type: 'name',
    help: "name that Temporal's certificate must have",
  },
  temporalTlsClientCertPath: {
    env: 'TEMPORAL_TLS_CLIENT_CERT_PATH',
    value: text,
    type: 'path',
    help: 'PEM file with the client certificate (mutual TLS)',
  },
  temporalTlsClientKeyPath: {
    env: 'TEMPORAL_TLS_CLIENT_KEY_PATH',
    value: text,
    type: 'path',
    help: "PEM file with the client certificate's key",
  },
} as const satisfies Record<string, SettingRule>;

export type SettingName = keyof typeof SETTINGS;
type ValueOf<Rule extends SettingRule> =
  | z.output<Rule['value']>
  | (Rule extends { default: string } ? never : undefined);

/** Every setting with its value: the environment's, else the default, else undefined. */
export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof SETTINGS)[Name]> };

/**
 * Reads all settings; an empty variable counts as not set.
 * @throws WalflowError SETTING_INVALID, naming the variable
 */
export function readSettings(env: Environment): Settings {
  const rules = Object.entries<SettingRule>(SETTINGS);
  return Object.fromEntries(rules.map(([name, rule]) => [name, readSetting(rule, env[rule.env])])) as Settings;
}

function readSetting(rule: SettingRule, raw: string | undefined): unknown {
  const given = raw === undefined || raw === '' ? rule.default : raw;
  if (given === undefined) return undefined;
  const parsed = rule.value.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new WalflowError('SETTING_INVALID', `${rule.env} is "${given}", expected ${rule.type}`);
}
