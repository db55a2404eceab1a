// The real server on a free port of loopback, closed after the test.

import { onTestFinished } from 'vitest';
import type { ApiBackend } from '../../workers/http/backend.ts';
import type { HttpGuard } from '../../workers/http/guard.ts';
import { serveApi } from '../../workers/http/serve.ts';
import type { RunningServer } from '../../workers/http/server.ts';
import { NOW_MS } from './fake-backend.ts';

interface Own {
  readonly guard?: Partial<HttpGuard>;
  readonly failures?: unknown[];
}

export async function runningApi(backend: ApiBackend, { guard, failures = [] }: Own = {}): Promise<RunningServer> {
  const server = await serveApi(backend, {
    guard: { bindHost: '127.0.0.1', allowedHosts: [], token: undefined, ...guard },
    port: 0,
    portSetting: 'WALFLOW_HTTP_PORT',
    page: {
      project: 'shop',
      version: '1.2.3',
      temporalUi: { url: 'http://127.0.0.1:8233', namespace: 'default' },
      nowMs: () => NOW_MS,
    },
    metrics: async () => 'walflow_test 1\n',
    onFailure: (failure) => failures.push(failure),
  });
  onTestFinished(() => server.close());
  return server;
}
