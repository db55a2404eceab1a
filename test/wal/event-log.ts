// Writes down what the decoder hands over, in a form JSON can hold: positions as hex, rows as their texts.

import type { MessageHandler, OldKind } from '../../activities/wal/pgoutput.ts';
import { type Lsn, lsnToHex } from '../../workflows/model/lsn.ts';
import type { Relation } from '../../workflows/model/relation.ts';
import { NULL_LENGTH, type Tuple, UNCHANGED_LENGTH } from '../../workflows/model/tuple.ts';
import type { Field } from '../support/row.ts';

/** The values of a tuple, copied out of the buffer. */
export function fieldsOf(tuple: Tuple): Field[] {
  return Array.from({ length: tuple.count }, (_, i) => {
    const start = tuple.starts[i] ?? 0;
    const length = tuple.lengths[i] ?? 0;
    if (length === NULL_LENGTH) return null;
    if (length === UNCHANGED_LENGTH) return { unchanged: true };
    return tuple.buffer.toString('utf8', start, start + length);
  });
}

export class EventLog implements MessageHandler {
  readonly events: Record<string, unknown>[] = [];

  begin(commitLsn: Lsn, commitTimeUs: number, xid: number): void {
    this.events.push({ event: 'begin', commitLsn: lsnToHex(commitLsn), commitTimeUs, xid });
  }

  relation(relation: Relation): void {
    this.events.push({ event: 'relation', ...relation });
  }

  insert(relation: Relation, tuple: Tuple): void {
    this.events.push({ event: 'insert', table: relation.name, row: fieldsOf(tuple) });
  }

  update(relation: Relation, tuple: Tuple, old: Tuple | null, oldKind: OldKind | null): void {
    const before = old === null ? {} : { oldKind, old: fieldsOf(old) };
    this.events.push({ event: 'update', table: relation.name, row: fieldsOf(tuple), ...before });
  }

  delete(relation: Relation, old: Tuple, oldKind: OldKind): void {
    this.events.push({ event: 'delete', table: relation.name, oldKind, old: fieldsOf(old) });
  }

  truncate(relations: readonly Relation[]): void {
    this.events.push({ event: 'truncate', tables: relations.map((relation) => relation.name) });
  }

  tooLarge(relation: Relation, column: number, bytes: number): void {
    this.events.push({ event: 'tooLarge', table: relation.name, column: relation.columns[column]?.name, bytes });
  }

  commit(commitLsn: Lsn, endLsn: Lsn, commitTimeUs: number): void {
    this.events.push({ event: 'commit', commitLsn: lsnToHex(commitLsn), endLsn: lsnToHex(endLsn), commitTimeUs });
  }
}
