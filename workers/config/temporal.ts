// How to reach Temporal, from the variables that all Temporal tools share (TEMPORAL_ADDRESS, …_NAMESPACE, …_API_KEY, …_TLS_*):
// https://docs.temporal.io/develop/environment-configuration

import { readFileSync } from 'node:fs';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { TemporalSettings } from '../temporal/connection.ts';
import type { Settings } from './setting.ts';

/** @throws WalflowError SETTING_INVALID when a certificate file cannot be read or its key is missing */
export function temporalSettings(settings: Settings): TemporalSettings {
  const tls = tlsOf(settings);
  return {
    address: settings.temporalAddress ?? `127.0.0.1:${settings.temporalPort}`,
    namespace: settings.temporalNamespace,
    ...(settings.temporalApiKey === undefined ? {} : { apiKey: settings.temporalApiKey }),
    ...(tls === null ? {} : { tls }),
  };
}

function tlsOf(settings: Settings): NonNullable<TemporalSettings['tls']> | null {
  const authority = pem('TEMPORAL_TLS_SERVER_CA_CERT_PATH', settings.temporalTlsServerCaCertPath);
  const pair = clientPair(settings);
  const name = settings.temporalTlsServerName;
  const wanted = settings.temporalTls ?? (settings.temporalApiKey ?? authority ?? pair ?? name) !== undefined;
  if (!wanted) return null;
  return {
    ...(authority === undefined ? {} : { serverRootCACertificate: authority }),
    ...(name === undefined ? {} : { serverNameOverride: name }),
    ...(pair === undefined ? {} : { clientCertPair: pair }),
  };
}

function clientPair(settings: Settings): { crt: Buffer; key: Buffer } | undefined {
  const crt = pem('TEMPORAL_TLS_CLIENT_CERT_PATH', settings.temporalTlsClientCertPath);
  const key = pem('TEMPORAL_TLS_CLIENT_KEY_PATH', settings.temporalTlsClientKeyPath);
  if (crt !== undefined && key !== undefined) return { crt, key };
  if (crt === undefined && key === undefined) return undefined;
  const what =
    'TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH are only useful together, but one is not set';
  throw new WalflowError('SETTING_INVALID', what, { hint: 'set both or none' });
}

function pem(variable: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new WalflowError('SETTING_INVALID', `${variable}: ${path} cannot be read`, { cause });
  }
}
