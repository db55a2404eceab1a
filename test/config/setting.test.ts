import { describe, expect, test } from 'vitest';
import { readSettings, SETTINGS } from '../../workers/config/setting.ts';
import { temporalSettings } from '../../workers/config/temporal.ts';

describe('settings', () => {
  test('without any variable everything has its default', () => {
    expect(readSettings({})).toMatchObject({
      home: '.walflow',
      httpHost: '127.0.0.1',
      httpPort: 4400,
      postgresPort: 5438,
      s3Port: 8333,
      temporalPort: 7233,
      temporalUiPort: 8233,
      token: undefined,
      metricsPeers: [],
    });
  });

  test('variables are read by type; an empty one counts as not set', () => {
    const settings = readSettings({
      WALFLOW_HTTP_PORT: '0',
      WALFLOW_HOME: '',
      WALFLOW_HTTP_ALLOWED_HOSTS: 'a, b,',
      TEMPORAL_TLS: 'true',
    });
    expect(settings).toMatchObject({ httpPort: 0, home: '.walflow', httpAllowedHosts: ['a', 'b'], temporalTls: true });
  });

  test.each([
    ['WALFLOW_HTTP_PORT', 'http'],
    ['WALFLOW_S3_PORT', '70000'],
    ['WALFLOW_LOG_LEVEL', 'loud'],
  ])('%s=%s is refused by name', (env, value) => {
    expect(() => readSettings({ [env]: value })).toThrow(
      expect.objectContaining({ code: 'SETTING_INVALID', message: expect.stringContaining(env) }),
    );
  });

  test('no variable is listed twice', () => {
    const names = Object.values(SETTINGS).map(({ env }) => env);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('Temporal', () => {
  test('without an address it is the embedded server', () => {
    expect(temporalSettings(readSettings({ WALFLOW_TEMPORAL_PORT: '7999' }))).toEqual({
      address: '127.0.0.1:7999',
      namespace: 'default',
    });
  });

  test('an API key turns TLS on', () => {
    const settings = readSettings({ TEMPORAL_ADDRESS: 'x:7233', TEMPORAL_NAMESPACE: 'n', TEMPORAL_API_KEY: 'k' });
    expect(temporalSettings(settings)).toEqual({ address: 'x:7233', namespace: 'n', apiKey: 'k', tls: {} });
  });

  test('a client certificate needs its key, and files that can be read', () => {
    const refused = (env: Readonly<Record<string, string>>) =>
      expect(() => temporalSettings(readSettings(env))).toThrow(expect.objectContaining({ code: 'SETTING_INVALID' }));
    refused({ TEMPORAL_TLS_CLIENT_CERT_PATH: import.meta.filename });
    refused({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/no/such/file.pem' });
  });
});
