// An operator with nothing but the `temporal` program: signals from a plain shell pause, resume and ring; history alone
// says which positions a run merged. Real worker processes, real everything.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { TEMPORAL_CLI } from '../../workers/embedded/program-release.ts';
import { findProgram } from '../../workers/embedded/program-search.ts';
import { buildIdOf, workflowBundle } from '../../workers/temporal/workflow-bundle.ts';
import { warehouseQueue } from '../../workflows/model/names.ts';
import type { IngestStatus, MergeResult } from '../../workflows/model/run.ts';
import { freshDatabase, withClient } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { readLog } from '../support/lake-audit.ts';
import { expectEqual } from '../support/oracle.ts';
import { createRig, type Rig } from '../support/rig.ts';
import { prepareTraffic, startTraffic, TRAFFIC_TABLES } from '../support/traffic.ts';

const PATIENCE = { timeout: 60_000, interval: 250 };
const ROWS_PER_SECOND = 500;
const ROWS_WHILE_PAUSED = 2_000;
/** temporal.api.enums.v1.TaskQueueType: TASK_QUEUE_TYPE_WORKFLOW. */
const WORKFLOW_TASKS = 1;

/** An event as `temporal workflow show --output json` prints it. */
interface ShownEvent {
  readonly activityTaskScheduledEventAttributes?: { readonly activityType: { readonly name: string } };
  readonly activityTaskCompletedEventAttributes?: { readonly result?: { readonly payloads: readonly Payload[] } };
  readonly userMetadata?: { readonly summary?: Payload };
}
type Payload = Readonly<Record<string, unknown>> & { readonly data?: string };

describe('the temporal program from a plain shell', { timeout: 240_000 }, () => {
  const { url } = freshDatabase();
  const folder = freshFolder();
  let rig: Rig;
  let program: string;
  let client: Client;
  let connection: Connection;

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    await prepareTraffic(url);
    rig = await createRig({ url, folder, tables: TRAFFIC_TABLES });
    for (const role of ['ingest', 'warehouse'] as const) rig.start(role);
    program = await findProgram(TEMPORAL_CLI, { env: process.env, onFetch: () => {} });
    connection = await Connection.connect({ address: rig.temporalAddress });
    client = new Client({ connection, namespace: rig.namespace });
    await rig.caughtUp();
  }, 180_000);
  afterAll(async () => {
    await rig?.close();
    await connection?.close();
  });

  const temporal = async (...args: readonly string[]): Promise<string> => {
    const where = ['--address', rig.temporalAddress, '--namespace', rig.namespace];
    // A plain shell: nothing of walflow's environment, no configuration of the user's.
    const env = { PATH: process.env.PATH, HOME: folder };
    const { stdout } = await promisify(execFile)(program, [...args, ...where], { env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  };
  const signal = (workflowId: string, name: string) =>
    temporal('workflow', 'signal', '--workflow-id', workflowId, '--name', name);
  const show = async (workflowId: string): Promise<readonly ShownEvent[]> => {
    const text = await temporal('workflow', 'show', '--workflow-id', workflowId, '--output', 'json');
    return (JSON.parse(text) as { events: ShownEvent[] }).events;
  };
  const reaches = (state: IngestStatus['state']) =>
    vi.waitFor(async () => expect((await rig.status()).state).toBe(state), PATIENCE);
  const slot = async () =>
    await withClient(url, async (source) => {
      const { rows } = await source.query(
        `select active, confirmed_flush_lsn::text as confirmed, pg_current_wal_lsn() - restart_lsn as retained
         from pg_replication_slots where slot_name = $1`,
        [`walflow_${rig.pipeline}`],
      );
      return rows[0] as { active: boolean; confirmed: string; retained: string } | undefined;
    });

  test('after pause nothing lands and the slot keeps everything; after resume all is equal', async () => {
    const traffic = startTraffic(url, ROWS_PER_SECOND);
    try {
      await vi.waitFor(() => expect(traffic.rows).toBeGreaterThan(ROWS_PER_SECOND), PATIENCE);
      await signal(`ingest/${rig.pipeline}`, 'pause');
      await reaches('paused');
      await vi.waitFor(async () => expect((await slot())?.active).toBe(false), PATIENCE);
      const landed = (await readLog(rig.prefix, rig.pipeline)).length;
      const before = await slot();
      const goal = traffic.rows + ROWS_WHILE_PAUSED;
      await vi.waitFor(() => expect(traffic.rows).toBeGreaterThan(goal), PATIENCE);
      expect((await readLog(rig.prefix, rig.pipeline)).length).toBe(landed);
      const after = await slot();
      expect(after).toMatchObject({ active: false, confirmed: before?.confirmed });
      expect(Number(after?.retained)).toBeGreaterThan(Number(before?.retained));
      await signal(`ingest/${rig.pipeline}`, 'resume');
      await reaches('streaming');
    } finally {
      await traffic.stop();
    }
    await rig.caughtUp();
    await expectEqual(rig);
    expect((await slot())?.active).toBe(true);
  });

  test('a ring from the shell starts a merge', async () => {
    const merges = async () =>
      (await show(`merge/${rig.pipeline}`)).filter(
        (event) => event.activityTaskScheduledEventAttributes?.activityType.name === 'mergePending',
      ).length;
    await vi.waitFor(async () => {
      const metadata = await client.workflow.getHandle(`merge/${rig.pipeline}`).query<{ state: string }>('status');
      expect(metadata.state).toBe('idle');
    }, PATIENCE);
    const before = await merges();
    await signal(`merge/${rig.pipeline}`, 'landed');
    await vi.waitFor(async () => expect(await merges()).toBeGreaterThan(before), PATIENCE);
  });

  test('task queues tell which build of the workflows serves them', async () => {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: rig.namespace,
      taskQueue: { name: warehouseQueue('main') },
      taskQueueType: WORKFLOW_TASKS,
    });
    const buildId = buildIdOf(await workflowBundle());
    expect(pollers?.map((poller) => poller.deploymentOptions)).toContainEqual(
      expect.objectContaining({ deploymentName: 'walflow', buildId }),
    );
  });

  test('history alone says which manifests and positions each run merged', async () => {
    const merged = await vi.waitFor(async () => {
      const found = (await show(`merge/${rig.pipeline}`)).flatMap((event) => mergedBy(event));
      const [last] = await rig.query('select max(seq) from _walflow.watermark');
      expect(found.at(-1)?.seqTo).toBe(Number(last?.[0]));
      return found;
    }, PATIENCE);
    expect(merged[0]?.seqFrom).toBe(1);
    merged.slice(1).forEach((range, i) => {
      expect(range.seqFrom).toBe((merged[i]?.seqTo ?? 0) + 1);
      expect(range.lsnFrom).toBe(merged[i]?.lsnTo);
    });
    // Every window of the ledger lies inside of one of them, and ends where history says.
    const ledger = await rig.query('select seq_from, seq_to, lsn_to from _walflow.ledger order by seq_from, seq_to');
    expect(ledger.length).toBeGreaterThan(0);
    const inside = ([from, to]: readonly string[]) =>
      merged.filter((range) => range.seqFrom <= Number(from) && range.seqTo >= Number(to)).length;
    expect(ledger.filter(([from, to]) => Number(from) <= Number(to) && inside([from ?? '', to ?? '']) !== 1)).toEqual(
      [],
    );
    const ends = new Set(
      ledger.map(
        ([, to, lsn]) =>
          `${to} ${BigInt(lsn ?? 0)
            .toString(16)
            .padStart(16, '0')}`,
      ),
    );
    expect(merged.filter(({ seqTo, lsnTo }) => !ends.has(`${seqTo} ${lsnTo}`))).toEqual([]);
  });

  test('runs are found by pipeline and explain themselves', async () => {
    const query = `WalflowPipeline = '${rig.pipeline}'`;
    await vi.waitFor(async () => {
      const ids: string[] = [];
      for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
      expect(ids).toEqual(expect.arrayContaining([`ingest/${rig.pipeline}`, `merge/${rig.pipeline}`]));
      expect(ids.filter((id) => id.startsWith(`snapshot/${rig.pipeline}/`))).toHaveLength(TRAFFIC_TABLES.length);
    }, PATIENCE);
    const details = async (id: string) =>
      (await client.workflow.getHandle(id).query<{ currentDetails: string }>('__temporal_workflow_metadata'))
        .currentDetails;
    expect(await details(`ingest/${rig.pipeline}`)).toBe(`**${rig.pipeline}** is streaming.`);
    expect(await details(`merge/${rig.pipeline}`)).toMatch(/merged manifests \d+ to \d+, up to [0-9A-F]+\/[0-9A-F]+/);
    const summary = async (id: string) => (await client.workflow.getHandle(id).describe()).staticSummary();
    expect(await summary(`ingest/${rig.pipeline}`)).toBe(`ingest ${rig.pipeline}: log → lake`);
    expect(await summary(`merge/${rig.pipeline}`)).toBe(`merge ${rig.pipeline}: lake → warehouse`);
    const activities = (await show(`ingest/${rig.pipeline}`)).flatMap((event) => textOf(event.userMetadata?.summary));
    expect(activities).toEqual(
      expect.arrayContaining([
        `prepare ${rig.pipeline}: publication, slot, tables`,
        `stream ${rig.pipeline}: log → lake`,
        'snapshot of public.accounts',
      ]),
    );
  });

  test('what these runs did replays', async () => {
    const histories = [];
    for await (const { workflowId, runId } of client.workflow.list()) {
      const handle = client.workflow.getHandle(workflowId, runId);
      histories.push({ workflowId, history: await handle.fetchHistory() });
    }
    expect(histories.length).toBeGreaterThanOrEqual(2 + TRAFFIC_TABLES.length);
    const failed: string[] = [];
    for await (const { workflowId, error } of Worker.runReplayHistories(
      { workflowBundle: await workflowBundle() },
      histories,
    )) {
      if (error !== undefined) failed.push(`${workflowId}: ${error.message}`);
    }
    expect(failed).toEqual([]);
  });
});

/** What one completed merge activity says it merged. */
function mergedBy(event: ShownEvent): NonNullable<MergeResult['merged']>[] {
  const payload = event.activityTaskCompletedEventAttributes?.result?.payloads[0];
  const [text] = textOf(payload);
  const merged = text === undefined ? null : (text as unknown as MergeResult).merged;
  return merged === null || merged === undefined ? [] : [merged];
}

/** Payloads are printed decoded where they are JSON, else as base64. */
function textOf(payload: Payload | undefined): string[] {
  if (payload === undefined) return [];
  if (payload.data === undefined) return [payload as unknown as string];
  return [JSON.parse(Buffer.from(payload.data, 'base64').toString('utf8')) as string];
}
