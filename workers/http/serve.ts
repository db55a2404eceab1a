// The HTTP side of a worker, ready to run: the API and page of the warehouse role, the probes of the others.

import { type ApiOptions, createApi } from './api.ts';
import type { ApiBackend } from './backend.ts';
import { createProbeApp, type Probes } from './probes.ts';
import { type ListenOptions, listen, type RunningServer } from './server.ts';

/** @throws WalflowError HTTP_BIND_REFUSED, PORT_TAKEN, SETTING_INVALID */
export async function serveApi(
  backend: ApiBackend,
  options: Omit<ApiOptions, 'closing'> & ListenOptions,
): Promise<RunningServer> {
  const closing = new AbortController();
  const server = await listen(createApi(backend, { ...options, closing: closing.signal }), options);
  return {
    ...server,
    close: async () => {
      closing.abort();
      await server.close();
    },
  };
}

/** @throws WalflowError HTTP_BIND_REFUSED, PORT_TAKEN, SETTING_INVALID */
export async function serveProbes(
  probes: Probes,
  options: ListenOptions & { onFailure(failure: unknown): void },
): Promise<RunningServer> {
  return await listen(createProbeApp(options.guard, probes, options.onFailure), options);
}
