// ingest/<pipeline>: prepares the source, starts snapshots, keeps one long streaming activity alive. It decides only when to
// stream, pause and retry; the activity reads from lake and slot where to go on.

import { ApplicationFailure } from '@temporalio/common';
import { CancellationScope, condition, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import { prepareSource, startSnapshot, startSnapshots, streamChanges } from './ingest-steps.ts';
import { runUntil } from './interruption.ts';
import { addTables, ingestStatus, pause, removeTables, resume, resyncTable } from './messages.ts';
import { innermostMessage } from './model/errors.ts';
import type { IngestInput, IngestStatus } from './model/run.ts';
import { continueAsNew, followSettings } from './settings.ts';

const FIRST_BACKOFF_SECONDS = 1;
const MAX_BACKOFF_SECONDS = 60;
/** A stream that ran this long was a success, whatever ended it: the backoff begins at one second again. */
const SUCCESS_MS = 60_000;

/** What signals have asked for so far. */
interface Wishes {
  paused: boolean;
  newEpoch: boolean;
  readonly resync: Set<string>;
  readonly exact: Set<string>;
  /** Counts messages for which the stream must stop and the source must be prepared again. */
  rings: number;
}

function listen({ paused = false, newEpoch = false, resync = [], exact = [] }: IngestInput): Wishes {
  const wishes: Wishes = { paused, newEpoch, resync: new Set(resync), exact: new Set(exact), rings: 0 };
  const ring = () => {
    wishes.rings += 1;
  };
  setHandler(pause, () => {
    wishes.paused = true;
    ring();
  });
  setHandler(resume, () => {
    wishes.paused = false;
    ring();
  });
  setHandler(addTables, ring);
  setHandler(removeTables, ring);
  setHandler(resyncTable, (table, exact = false) => {
    wishes.resync.add(table);
    if (exact) wishes.exact.add(table);
    ring();
  });
  return wishes;
}

/**
 * Runs until cancelled. Signals: pause, resume, addTables, removeTables, resyncTable, configure. Query: status.
 * Continue-as-new happens only here, between activities, and passes on every wish that is not yet fulfilled.
 */
export async function ingest(input: IngestInput): Promise<void> {
  const { pipeline } = input;
  const wishes = listen(input);
  const settings = followSettings(input, { pipeline, kind: 'ingest' });
  let status: IngestStatus = { state: 'preparing', lastFailure: null, attempts: 0 };
  let backoffSeconds = FIRST_BACKOFF_SECONDS;
  setHandler(ingestStatus, () => status);
  const enter = (next: Partial<IngestStatus>) => {
    status = { ...status, ...next };
    setCurrentDetails(describe(pipeline, status));
  };

  /** A message that came during `prepareSource` is served first: streaming would not notice it. */
  const stream = async (seen: number, onStreaming: () => void) => {
    enter({ state: 'preparing' });
    const [tables, exact] = [[...wishes.resync], [...wishes.exact]];
    const because = wishes.newEpoch && status.lastFailure !== null ? { because: status.lastFailure } : {};
    const input = { pipeline, resync: tables, exact, newEpoch: wishes.newEpoch, ...because };
    const prepared = await prepareSource(input, settings.now);
    for (const table of tables) wishes.resync.delete(table);
    for (const table of exact) wishes.exact.delete(table);
    wishes.newEpoch = false;
    // First, because they are taken in the order of starting: a large table may take hours.
    for (const group of prepared.pendingGroups ?? []) await startSnapshots(pipeline, group, settings.now);
    for (const pending of prepared.pendingSnapshots) await startSnapshot(pipeline, pending, settings.now);
    if (wishes.rings !== seen) return;
    enter({ state: 'streaming' });
    onStreaming();
    const { now } = settings;
    const isOver = () =>
      wishes.rings !== seen ||
      workflowInfo().continueAsNewSuggested ||
      settings.now.heartbeatTimeoutSeconds !== now.heartbeatTimeoutSeconds;
    await runUntil(isOver, () => streamChanges(pipeline, now));
  };

  while (!workflowInfo().continueAsNewSuggested) {
    const seen = wishes.rings;
    if (wishes.paused) {
      enter({ state: 'paused' });
      await condition(() => !wishes.paused || workflowInfo().continueAsNewSuggested);
      continue;
    }
    let streamingSinceMs = Number.POSITIVE_INFINITY;
    try {
      await stream(seen, () => {
        streamingSinceMs = Date.now();
      });
      backoffSeconds = FIRST_BACKOFF_SECONDS;
      enter({ lastFailure: null, attempts: 0 });
    } catch (failure) {
      if (CancellationScope.current().consideredCancelled) throw failure;
      const succeeded = Date.now() - streamingSinceMs > SUCCESS_MS;
      if (succeeded) backoffSeconds = FIRST_BACKOFF_SECONDS;
      const attempts = succeeded ? 1 : status.attempts + 1;
      if (Number.isFinite(streamingSinceMs) && meetsUndecodable(failure)) wishes.newEpoch = true;
      enter({ state: 'waiting-to-retry', lastFailure: innermostMessage(failure), attempts });
      await condition(() => wishes.rings !== seen, `${backoffSeconds} seconds`);
      backoffSeconds = Math.min(backoffSeconds * 2, MAX_BACKOFF_SECONDS);
    }
  }
  const { paused, newEpoch } = wishes;
  const [resync, exact] = [[...wishes.resync], [...wishes.exact]];
  await continueAsNew<typeof ingest>(settings.now, { pipeline, paused, newEpoch, resync, exact });
}

/**
 * The slot still has to read WAL from while its publication was dropped. The server cannot, also once the publication is
 * there again: only a new slot gets on.
 */
function meetsUndecodable(failure: unknown): boolean {
  if (failure instanceof ApplicationFailure && failure.type === 'PUBLICATION_MISSING') return true;
  return failure instanceof Error && meetsUndecodable(failure.cause);
}

function describe(pipeline: string, status: IngestStatus): string {
  const failure = status.lastFailure === null ? '' : `\n\nLast failure (${status.attempts}): ${status.lastFailure}`;
  return `**${pipeline}** is ${status.state}.${failure}`;
}
