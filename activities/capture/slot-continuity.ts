// Can this slot on this server continue where the lake ends? Pure: both positions in, the reason why not out. A gap, a fork
// or a restored server stops the pipeline before a single change is read; only a new epoch helps then.

import { WalflowError } from '../../workflows/model/errors.ts';
import { type Lsn, lsnToText, parseLsn } from '../../workflows/model/lsn.ts';
import type { Manifest } from '../../workflows/model/manifest.ts';
import type { SystemIdentity } from '../wal/postgres/source.ts';
import { classifySlot, type SlotRow } from '../wal/slot-health.ts';

/** The server and the slot as they are now. */
export interface FoundServer {
  readonly system: SystemIdentity;
  /** Where the lake's timeline ended on this server; null when its history does not contain it. */
  readonly timelineEnd: Lsn | null;
  readonly database: string;
  readonly slotName: string;
  readonly slot: SlotRow | null;
}

/**
 * @param lake the last manifest of the log
 * @throws WalflowError SOURCE_FORKED, SOURCE_RESTORED, SLOT_MISSING, SLOT_FOREIGN, SLOT_LOST, SLOT_GAP.
 */
export function assertContinues(lake: Pick<Manifest, 'epoch' | 'timeline' | 'endLsn'>, found: FoundServer): void {
  assertSameServer(lake, found);
  const { slotName, slot, database } = found;
  const end = parseLsn(lake.endLsn);
  if (slot === null) {
    throw new WalflowError('SLOT_MISSING', `slot ${slotName} does not exist; the lake ends at ${lsnToText(end)}`);
  }
  if (slot.plugin !== 'pgoutput' || slot.database !== database) {
    const what = `plugin ${slot.plugin ?? 'none'}, database ${slot.database ?? 'none'}`;
    throw new WalflowError('SLOT_FOREIGN', `slot ${slotName} was not created by walflow: ${what}`, {
      hint: 'if nothing else uses it, drop it (select pg_drop_replication_slot), then begin a new epoch with `walflow slot recreate`',
    });
  }
  if (classifySlot(slot).tag === 'lost') {
    const why = slot.invalidationReason === null ? '' : ` (${slot.invalidationReason})`;
    throw new WalflowError('SLOT_LOST', `slot ${slotName} lost WAL that it still needed${why}`);
  }
  if (slot.confirmedFlushLsn !== null && slot.confirmedFlushLsn > end) {
    throw new WalflowError(
      'SLOT_GAP',
      `slot ${slotName} was acknowledged up to ${lsnToText(slot.confirmedFlushLsn)}, but the lake ends at ${lsnToText(end)}`,
    );
  }
}

/** Refuses another cluster, another branch of its history, or an older state of it. */
function assertSameServer(lake: Pick<Manifest, 'epoch' | 'timeline' | 'endLsn'>, found: FoundServer): void {
  const { system, timelineEnd } = found;
  const end = parseLsn(lake.endLsn);
  if (system.systemIdentifier !== lake.epoch.systemIdentifier) {
    throw new WalflowError(
      'SOURCE_FORKED',
      `the lake follows server ${lake.epoch.systemIdentifier}, this one is ${system.systemIdentifier}`,
    );
  }
  if (system.timeline !== lake.timeline && timelineEnd === null) {
    throw new WalflowError(
      'SOURCE_FORKED',
      `the lake follows timeline ${lake.timeline}, the server is on timeline ${system.timeline}, which does not continue it`,
    );
  }
  if (system.timeline !== lake.timeline && timelineEnd !== null && end > timelineEnd) {
    throw new WalflowError(
      'SOURCE_FORKED',
      `timeline ${system.timeline} branched off timeline ${lake.timeline} at ${lsnToText(timelineEnd)}, but the lake ends after that, at ${lsnToText(end)}`,
    );
  }
  if (system.flushLsn < end) {
    throw new WalflowError(
      'SOURCE_RESTORED',
      `the server's WAL ends at ${lsnToText(system.flushLsn)}, before the lake's end at ${lsnToText(end)}: it was restored from a backup`,
    );
  }
}
