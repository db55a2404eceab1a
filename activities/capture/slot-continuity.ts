// May this slot on this server go on where the lake ends? Pure: both positions in, the reason why not out. A gap, a fork
// and a restored server stop the pipeline before a single change is read; nothing mends them but a new epoch.

import { WalflowError } from '../../workflows/model/errors.ts';
import { type Lsn, lsnToText, parseLsn } from '../../workflows/model/lsn.ts';
import type { Manifest } from '../../workflows/model/manifest.ts';
import type { SystemIdentity } from '../wal/postgres/source.ts';
import { classifySlot, type SlotRow } from '../wal/slot-health.ts';

/** The source as it is found. */
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
    throw new WalflowError('SLOT_MISSING', `slot ${slotName} does not exist, the lake ends at ${lsnToText(end)}`);
  }
  if (slot.plugin !== 'pgoutput' || slot.database !== database) {
    const what = `plugin ${slot.plugin ?? 'none'}, database ${slot.database ?? 'none'}`;
    throw new WalflowError('SLOT_FOREIGN', `slot ${slotName} was made by somebody else: ${what}`, {
      hint: 'drop it if nobody needs it (select pg_drop_replication_slot), then begin a new epoch with `walflow slot recreate`',
    });
  }
  if (classifySlot(slot).tag === 'lost') {
    const why = slot.invalidationReason === null ? '' : ` (${slot.invalidationReason})`;
    throw new WalflowError('SLOT_LOST', `slot ${slotName} lost log it still needed${why}`);
  }
  if (slot.confirmedFlushLsn !== null && slot.confirmedFlushLsn > end) {
    throw new WalflowError(
      'SLOT_GAP',
      `slot ${slotName} was acknowledged up to ${lsnToText(slot.confirmedFlushLsn)}, the lake ends at ${lsnToText(end)}`,
    );
  }
}

/** Another cluster, another branch of its history, or an older state of it? */
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
      `timeline ${system.timeline} left timeline ${lake.timeline} at ${lsnToText(timelineEnd)}, the lake ends behind that, at ${lsnToText(end)}`,
    );
  }
  if (system.flushLsn < end) {
    throw new WalflowError(
      'SOURCE_RESTORED',
      `the server ends at ${lsnToText(system.flushLsn)}, before the lake's end ${lsnToText(end)}: it was restored from a backup`,
    );
  }
}
