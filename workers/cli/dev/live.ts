// The live part of `walflow dev`: demo, workers, status, until the signal aborts.

import { setTimeout as sleep } from 'node:timers/promises';
import { ingestWorkflowId } from '../../../workflows/model/names.ts';
import type { Environment } from '../../config/setting.ts';
import { temporalSettings } from '../../config/temporal.ts';
import { prepareShop, runShopTraffic } from '../../demo/postgres.ts';
import type { EmbeddedStack } from '../../embedded/stack.ts';
import { connectClient, ensureSearchAttributes } from '../../temporal/connection.ts';
import { createApiClient } from '../api-client.ts';
import { beginNewEpoch, isRunning } from '../pipeline-runs.ts';
import { readSlot } from '../source-access.ts';
import type { Terminal } from '../terminal.ts';
import { readClaims } from './exit.ts';
import { devLinks } from './links.ts';
import { StatusSampler } from './sampler.ts';
import type { DevScreen } from './screen.ts';
import type { DevSession } from './session.ts';
import type { StatusView } from './status.ts';
import { workerChild } from './workers.ts';

interface Live {
  readonly session: DevSession;
  readonly stack: EmbeddedStack;
  /** For the workers. */
  readonly env: Environment;
  readonly screen: DevScreen;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** An identity appears once the ingest worker has found that the source is free. */
const LEARN_EVERY_MS = 3_000;

/** The same traffic at every start of the demo. */
const TRAFFIC_SEED = 1;

/** Resolves when the signal aborts; rejects when something cannot be started. */
export async function followLive(live: Live): Promise<void> {
  const { stack, screen, signal } = live;
  if (stack.postgresUrl !== undefined && (await prepareShop(stack.postgresUrl))) screen.say('the demo shop is created');
  await renewMissingSlots(live);
  await startWorkers(live);
  const traffic = demoTraffic(live);
  const learning = learnClaims(live);
  await screen.run(statusSource(live), signal);
  await traffic;
  await learning;
}

/**
 * A pipeline that ran before and whose slot is gone (dropped at the last exit, or later as that suggested) begins a new
 * epoch: the lake keeps what it has, and every table gets a new snapshot.
 */
async function renewMissingSlots({ session, stack, screen }: Live): Promise<void> {
  const { project, settings } = session;
  const address = stack.temporalAddress ?? settings.temporalAddress;
  const client = await connectClient({ ...temporalSettings(settings), ...(address === undefined ? {} : { address }) });
  try {
    const { heartbeatTimeoutSeconds } = settings;
    const { known: searchAttributes } = await ensureSearchAttributes(client);
    for (const pipeline of project.pipelines.values()) {
      if ((await readSlot(pipeline)).tag !== 'missing') continue;
      if (!(await isRunning(client, ingestWorkflowId(pipeline.name)))) continue;
      screen.say(`slot ${pipeline.source.slot} is gone: it is made again, and every table gets a new snapshot`);
      await beginNewEpoch(client, pipeline.name, { heartbeatTimeoutSeconds, searchAttributes });
    }
  } finally {
    await client.connection.close();
  }
}

/** The warehouse worker first: it serves the page, and both workers use the workflow bundle that it makes. */
async function startWorkers({ session, stack, env }: Live): Promise<void> {
  const { home, cwd, httpPort, ingestHttpPort, projectArgs } = session;
  const place = { home, cwd, env, projectArgs };
  await stack.run(async () => workerChild({ role: 'warehouse', port: httpPort, ...place }));
  await stack.run(async () => workerChild({ role: 'ingest', port: ingestHttpPort, ...place }));
}

/** Notes in the state folder what each lake says, for the last lines and for later commands: then the lakes do not answer. */
async function learnClaims({ session, stack, signal }: Live): Promise<void> {
  const { project, home } = session;
  for (let unknown = [...project.pipelines.values()]; unknown.length > 0 && !signal.aborted; ) {
    const claims = await readClaims(unknown, { home, s3: stack.s3 });
    unknown = unknown.filter(({ name }) => (claims.get(name)?.id ?? null) === null);
    if (unknown.length > 0) await sleep(LEARN_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function demoTraffic({ session, stack, screen, signal }: Live): Promise<void> {
  if (stack.postgresUrl === undefined) return;
  const onOutage = (reason: string) => screen.say(`the demo traffic waits for its database: ${reason}`);
  const { rate } = session.flags;
  const count = { rows: 0, transactions: 0 };
  await runShopTraffic({ url: stack.postgresUrl, rate, seed: TRAFFIC_SEED, signal, onOutage }, count);
}

function statusSource({ session, stack, terminal, signal }: Live): () => Promise<StatusView> {
  const { project, httpPort, settings } = session;
  const { fetch } = terminal;
  const sampler = new StatusSampler(
    createApiClient({ url: `http://127.0.0.1:${httpPort}`, token: settings.token, fetch, signal }),
  );
  const startedMs = performance.now();
  return async () => {
    const nowMs = performance.now();
    const sampled = await sampler.sample(nowMs);
    const exampleTable = sampled.pipelines[0]?.tables[0]?.table;
    const places = { httpPort, temporalUiUrl: stack.temporalUiUrl, demoUrl: stack.postgresUrl, exampleTable };
    return { project: project.name, upMs: nowMs - startedMs, links: devLinks(terminal.env, places), ...sampled };
  };
}
