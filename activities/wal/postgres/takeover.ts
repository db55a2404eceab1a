// A slot that is still held when it is needed. Held by our own silent walsender: its process is dead or frozen, so the
// walsender is ended. By our own living one: it may be closing, so we wait briefly. By another consumer: an error names it.
// What a frozen process may still write later is fenced off by the manifest log, not here.

import { setTimeout as sleep } from 'node:timers/promises';
import type { WalflowError } from '../../../workflows/model/errors.ts';
import { connect } from './connection.ts';
import { busyError, endWalsender, readHolder } from './slot.ts';

interface BusySlot {
  readonly url: string;
  readonly applicationName: string;
  readonly slot: string;
  /** Attempts made so far. */
  readonly tries: number;
  readonly failure: unknown;
}

/** A living stream sends a status every 10 s; Temporal replaces a silent activity after 30 s or more. */
const SILENT_SECONDS = 25;
const MAX_TRIES = 20;
const PAUSE_MS = 200;

/**
 * Returns when another attempt is worth making.
 * @throws WalflowError SLOT_BUSY naming the holder.
 */
export async function settleBusySlot({ url, applicationName, slot, tries, failure }: BusySlot): Promise<void> {
  const connection = await connect(url, `${applicationName} takeover`);
  try {
    const holder = await readHolder(connection, slot);
    if (holder === null) {
      if (tries >= MAX_TRIES) throw failure as WalflowError;
    } else {
      if (holder.applicationName !== applicationName || tries >= MAX_TRIES) throw busyError(slot, holder);
      if (holder.silentSeconds !== null && holder.silentSeconds > SILENT_SECONDS)
        await endWalsender(connection, holder);
    }
  } finally {
    await connection.close();
  }
  await sleep(PAUSE_MS);
}
