// Connections to Temporal, and workers on them. Address, namespace, TLS and API key come from the settings.

import { Client, Connection, type ConnectionOptions, isGrpcServiceError } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { WalflowError } from '../../workflows/model/errors.ts';
import { attributeType, SEARCH_ATTRIBUTES } from '../../workflows/model/names.ts';
import { buildIdOf, workflowBundle } from './workflow-bundle.ts';

export interface TemporalSettings {
  readonly address: string;
  readonly namespace: string;
  readonly apiKey?: string;
  readonly tls?: NonNullable<ConnectionOptions['tls']>;
}

/** gRPC enum values of IndexedValueType (temporal.api.enums.v1). */
const INDEXED_VALUE_TYPE = { Keyword: 2, KeywordList: 7 } as const;
/** https://grpc.io/docs/guides/status-codes */
const NOT_FOUND = 5;

const connectionOptions = (settings: TemporalSettings) => ({
  address: settings.address,
  ...(settings.apiKey === undefined ? {} : { apiKey: settings.apiKey }),
  ...(settings.tls === undefined ? {} : { tls: settings.tls }),
});

/**
 * A client for signals, starts and queries.
 * @throws WalflowError TEMPORAL_UNREACHABLE, TEMPORAL_NAMESPACE_MISSING
 */
export async function connectClient(settings: TemporalSettings): Promise<Client> {
  const { address, namespace } = settings;
  const connection = await Connection.connect(connectionOptions(settings)).catch((cause: unknown) => {
    throw new WalflowError('TEMPORAL_UNREACHABLE', `Temporal does not answer at ${address}`, { cause });
  });
  if (await isMissing(connection, namespace)) {
    await connection.close();
    throw new WalflowError('TEMPORAL_NAMESPACE_MISSING', `Temporal at ${address} has no namespace ${namespace}`);
  }
  return new Client({ connection, namespace });
}

/** False also when this client may not ask: then the first real call shows what is missing. */
async function isMissing(connection: Connection, namespace: string): Promise<boolean> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return false;
  } catch (failure) {
    return isGrpcServiceError(failure) && failure.code === NOT_FOUND;
  }
}

export interface SearchAttributeState {
  /** False = the namespace lacks some and they cannot be registered: runs can be found only by id. */
  readonly known: boolean;
  /** Those that were missing before. */
  readonly registered: readonly string[];
}

/** Registers walflow's search attributes with the namespace; a dry run only returns which ones would be. */
export async function ensureSearchAttributes(client: Client, { dryRun = false } = {}): Promise<SearchAttributeState> {
  const { operatorService } = client.connection as Connection;
  const { namespace } = client.options;
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    const missing = Object.values(SEARCH_ATTRIBUTES).filter((name) => !(name in (customAttributes ?? {})));
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, INDEXED_VALUE_TYPE[attributeType(name)]]));
    if (missing.length > 0 && !dryRun) await operatorService.addSearchAttributes({ namespace, searchAttributes });
    return { known: true, registered: missing };
  } catch {
    return { known: false, registered: [] };
  }
}

export type ServedActivities = NonNullable<WorkerOptions['activities']>;

/** What a worker serves: a task queue with workflows and activities, or only with activities. */
interface Served {
  readonly taskQueue: string;
  readonly activities: ServedActivities;
  /** Default: the SDK's 100. */
  readonly activitiesAtOnce?: number;
  readonly workflows?: boolean;
}

/** A worker for one task queue, with a connection of its own; `run()` resolves after a drained shutdown. */
export async function createWorker(
  settings: TemporalSettings,
  served: Served,
): Promise<{ worker: Worker; connection: NativeConnection }> {
  const connection = await connectNative(settings);
  return { connection, worker: await createWorkerOn(connection, settings.namespace, served) };
}

/** A worker that shares a connection, which its owner closes once the last worker has drained. */
export async function createWorkerOn(
  connection: NativeConnection,
  namespace: string,
  { taskQueue, activities, activitiesAtOnce, workflows = true }: Served,
): Promise<Worker> {
  const bundle = await workflowBundle();
  return await Worker.create({
    connection,
    namespace,
    taskQueue,
    activities,
    ...(workflows ? { workflowBundle: bundle } : {}),
    // Reported, not used for routing: entity workflows go on with the newest worker, which replay tests make safe.
    workerDeploymentOptions: {
      version: { deploymentName: 'walflow', buildId: buildIdOf(bundle) },
      useWorkerVersioning: false,
    },
    ...(activitiesAtOnce === undefined ? {} : { maxConcurrentActivityTaskExecutions: activitiesAtOnce }),
    // Activities are cancelled at once and land or merge what is complete; one that ignores it must not block the end.
    shutdownGraceTime: 0,
    shutdownForceTime: '8 seconds',
    // Cancellation and pause arrive with the answers to heartbeats, so this throttle delays them.
    maxHeartbeatThrottleInterval: '2 seconds',
    defaultHeartbeatThrottleInterval: '2 seconds',
    // After a worker died, the first task waits this long for its cache.
    stickyQueueScheduleToStartTimeout: '2 seconds',
    maxCachedWorkflows: 100,
  });
}

async function connectNative(settings: TemporalSettings): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(connectionOptions(settings));
  } catch (cause) {
    throw new WalflowError('TEMPORAL_UNREACHABLE', `Temporal does not answer at ${settings.address}`, { cause });
  }
}
