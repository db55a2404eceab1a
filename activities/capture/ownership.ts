// Are slot and publications on a source this lake's? Pure: what the source says and what the lake says in, the reason why
// not out. The source names the lake in a comment; where it names none, the lake must name the slot.

import { WalflowError } from '../../workflows/model/errors.ts';
import type { FoundOwnership, SourceOwner } from '../wal/postgres/owner.ts';

/** What a lake says about the source that it is fed from. */
export interface LakeClaim {
  /** Null for a lake that has no identity: it is new, or an older version of walflow made it. */
  readonly id: string | null;
  /** The slots of its epochs: the current one, and one that is being made. */
  readonly slots: readonly string[];
}

export interface SourceNames {
  readonly slot: string;
  readonly publication: string;
}

/** Why slot or publication are another pipeline's; null when they are the lake's, or do not exist. */
export function foreignPart(found: FoundOwnership, claim: LakeClaim, names: SourceNames): WalflowError | null {
  const { owner, database } = found;
  const slotNamed = (name: string) => found.slots.find((slot) => slot.name === name);
  // An owner whose slot is gone has to begin a new epoch anyway, so nothing of it is left to be harmed.
  if (owner !== null && owner.lakeId !== claim.id && slotNamed(owner.slot) !== undefined) {
    return othersPart(owner, found, names);
  }
  const slot = slotNamed(names.slot);
  if (slot === undefined) return null;
  if (slot.plugin !== 'pgoutput' || slot.database !== database) {
    const what = `plugin ${slot.plugin ?? 'none'}, database ${slot.database ?? 'none'}`;
    return new WalflowError('SLOT_FOREIGN', `slot ${slot.name} was not created by walflow: ${what}`);
  }
  if (owner !== null && owner.lakeId === claim.id && owner.slot === slot.name) return null;
  if (claim.slots.includes(slot.name)) return null;
  return new WalflowError('SLOT_FOREIGN', `slot ${slot.name} exists already and was not created by this pipeline`, {
    hint: wayOut(slot.name, slot.active),
  });
}

function othersPart(owner: SourceOwner, { slots }: FoundOwnership, names: SourceNames): WalflowError {
  const active = slots.some(({ name, active }) => name === owner.slot && active);
  const hint = wayOut(owner.slot, active);
  if (owner.slot === names.slot) {
    const what = `slot ${owner.slot} belongs to another pipeline, which feeds lake ${owner.lakeId} from it`;
    return new WalflowError('SLOT_FOREIGN', `${what}: nothing on the source is changed`, { hint });
  }
  const what = `publication ${names.publication} belongs to another pipeline, which reads slot ${owner.slot}`;
  return new WalflowError('PUBLICATION_UNUSABLE', `${what}: nothing on the source is changed`, { hint });
}

/** That a pipeline runs elsewhere can be seen only while its slot is read. */
function wayOut(slot: string, active: boolean): string {
  const other = 'give this pipeline a name of its own (--pipeline, or source.slot and source.publication)';
  if (active) return `${other}: the slot is being read right now`;
  return `${other}; only if nothing needs the slot any more, drop it: select pg_drop_replication_slot('${slot}')`;
}
