// The messages that running workflows take. A signal is a doorbell: losing, repeating or reordering it changes nothing,
// because lake and warehouse hold the truth and every run looks there.

import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { LsnHex } from './model/lsn.ts';
import type { IngestStatus, MergedUpTo, MergeStatus, RunSettings, SnapshotProgress } from './model/run.ts';

/** Files landed in the lake (to `merge/<pipeline>`). */
export const landed = defineSignal('landed');

/** Something an asset depends on may have changed (to `automation/<project>`). */
export const event = defineSignal('event');

/** Stop reading WAL; the slot keeps what is not acknowledged (to `ingest/<pipeline>`). */
export const pause = defineSignal('pause');
export const resume = defineSignal('resume');

/** The captured tables changed: look at catalog and configuration again (to `ingest/<pipeline>`). */
export const addTables = defineSignal('addTables');
export const removeTables = defineSignal('removeTables');

/** Take a new snapshot of one table, `exact` = in one transaction (to `ingest/<pipeline>`). */
export const resyncTable = defineSignal<[table: string, exact?: boolean]>('resyncTable');

/** The settings of `deploy`, or of a worker that starts (to every long-lived workflow); the last ones count. */
export const configure = defineSignal<[settings: Partial<RunSettings>]>('configure');

export const ingestStatus = defineQuery<IngestStatus>('status');
export const mergeStatus = defineQuery<MergeStatus>('status');
export const snapshotProgress = defineQuery<SnapshotProgress>('progress');

/**
 * Waits until everything before a position is merged (to `merge/<pipeline>`). On an idle source perhaps nothing comes that
 * covers it; `GET /api/wait` also asks for that.
 */
export const mergedUpTo = defineUpdate<MergedUpTo, [lsn: LsnHex]>('mergedUpTo');
