// Station 2 on a row's way: decodes pgoutput protocol 1 (text tuples) in place. A row becomes offsets into the received
// buffer, never an object; tuples are reused, so a handler must take what it needs before it returns. One decoder per
// connection, because the server describes a relation once per session.
// Format: https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html

import { WalflowError } from '../../workflows/model/errors.ts';
import type { Lsn } from '../../workflows/model/lsn.ts';
import type { LoggedRelation, RelationColumn, ReplicaIdentity } from '../../workflows/model/relation.ts';
import { emptyTuple, NULL_LENGTH, type Tuple, UNCHANGED_LENGTH } from '../../workflows/model/tuple.ts';
import { byteAt, int16At, int32At, int64NumberAt, uint32At } from './byte-reader.ts';
import type { LargestValue } from './large-change.ts';

/** What an old tuple holds: the columns of the replica identity, or the whole row (REPLICA IDENTITY FULL). */
export type OldKind = 'key' | 'full';

/** Receives the messages in WAL order; commit times are microseconds since the Unix epoch. Tuples are valid until it returns. */
export interface MessageHandler {
  begin(commitLsn: Lsn, commitTimeUs: number, xid: number): void;
  relation(relation: LoggedRelation): void;
  insert(relation: LoggedRelation, tuple: Tuple): void;
  update(relation: LoggedRelation, tuple: Tuple, old: Tuple | null, oldKind: OldKind | null): void;
  delete(relation: LoggedRelation, old: Tuple, oldKind: OldKind): void;
  truncate(relations: readonly LoggedRelation[]): void;
  commit(commitLsn: Lsn, endLsn: Lsn, commitTimeUs: number): void;
  /** A change of the relation was too large to hold; it is not reported in any other way. */
  tooLarge(relation: LoggedRelation, column: number, bytes: number): void;
}

/** MaxTupleAttributeNumber (src/include/access/htup_details.h): no tuple is wider. */
const MAX_COLUMNS = 1664;
/** 2000-01-01, PostgreSQL's epoch, in microseconds since 1970-01-01. */
const POSTGRES_EPOCH_US = 946_684_800_000_000;
const IDENTITIES: readonly string[] = ['d', 'n', 'f', 'i'] satisfies readonly ReplicaIdentity[];

const TAG_BEGIN = 0x42;
const TAG_COMMIT = 0x43;
const TAG_DELETE = 0x44;
const TAG_INSERT = 0x49;
const TAG_MESSAGE = 0x4d;
const TAG_ORIGIN = 0x4f;
const TAG_RELATION = 0x52;
const TAG_TRUNCATE = 0x54;
const TAG_UPDATE = 0x55;
const TAG_TYPE = 0x59;

const TUPLE_KEY = 0x4b;
const TUPLE_NEW = 0x4e;
const TUPLE_OLD = 0x4f;

/** Flag of a column in a Relation message: it belongs to the replica identity. */
const FLAG_IDENTITY = 0x01;

const FIELD_NULL = 0x6e;
const FIELD_TEXT = 0x74;
const FIELD_UNCHANGED = 0x75;

export class PgoutputDecoder {
  readonly #handler: MessageHandler;
  readonly #relations = new Map<number, LoggedRelation>();
  readonly #newTuple = emptyTuple(MAX_COLUMNS);
  readonly #oldTuple = emptyTuple(MAX_COLUMNS);
  #lastRelation: LoggedRelation | null = null;
  #inTransaction = false;
  #start = 0;
  #position = 0;
  #end = 0;

  constructor(handler: MessageHandler) {
    this.#handler = handler;
  }

  /**
   * Decodes the message at `buffer[offset, end)`.
   * @throws WalflowError PGOUTPUT_MALFORMED; whatever the handler throws passes through.
   */
  decode(buffer: Buffer, offset: number, end: number): void {
    if (offset < 0 || offset >= end || end > buffer.length) throw malformed('an empty message');
    this.#start = offset;
    this.#position = offset + 1;
    this.#end = end;
    switch (byteAt(buffer, offset)) {
      case TAG_INSERT:
        this.#insert(buffer);
        break;
      case TAG_UPDATE:
        this.#update(buffer);
        break;
      case TAG_DELETE:
        this.#delete(buffer);
        break;
      case TAG_BEGIN:
        this.#begin(buffer);
        break;
      case TAG_COMMIT:
        this.#commit(buffer);
        break;
      case TAG_RELATION:
        this.#relation(buffer);
        break;
      case TAG_TRUNCATE:
        this.#truncate(buffer);
        break;
      case TAG_MESSAGE:
      case TAG_ORIGIN:
      case TAG_TYPE:
        break;
      default:
        throw this.#malformed(buffer, 'unknown message type');
    }
  }

  /**
   * Called in place of `decode` for a message that was too large to hold.
   * @throws WalflowError PGOUTPUT_MALFORMED
   */
  skipLarge({ relationOid, column, bytes }: LargestValue): void {
    const relation = this.#relations.get(relationOid);
    if (relation === undefined || !this.#inTransaction) throw malformed(`a large change of relation ${relationOid}`);
    this.#handler.tooLarge(relation, column, bytes);
  }

  #insert(buffer: Buffer): void {
    const relation = this.#changedRelation(buffer);
    if (this.#byte(buffer) !== TUPLE_NEW) throw this.#malformed(buffer, 'an insert without a new row');
    this.#tuple(buffer, relation, this.#newTuple);
    this.#finish(buffer);
    this.#handler.insert(relation, this.#newTuple);
  }

  #update(buffer: Buffer): void {
    const relation = this.#changedRelation(buffer);
    let kind = this.#byte(buffer);
    let oldKind: OldKind | null = null;
    if (kind === TUPLE_KEY || kind === TUPLE_OLD) {
      oldKind = kind === TUPLE_KEY ? 'key' : 'full';
      this.#tuple(buffer, relation, this.#oldTuple);
      kind = this.#byte(buffer);
    }
    if (kind !== TUPLE_NEW) throw this.#malformed(buffer, 'an update without a new row');
    this.#tuple(buffer, relation, this.#newTuple);
    this.#finish(buffer);
    this.#handler.update(relation, this.#newTuple, oldKind === null ? null : this.#oldTuple, oldKind);
  }

  #delete(buffer: Buffer): void {
    const relation = this.#changedRelation(buffer);
    const kind = this.#byte(buffer);
    if (kind !== TUPLE_KEY && kind !== TUPLE_OLD) throw this.#malformed(buffer, 'a delete without an old row');
    this.#tuple(buffer, relation, this.#oldTuple);
    this.#finish(buffer);
    this.#handler.delete(relation, this.#oldTuple, kind === TUPLE_KEY ? 'key' : 'full');
  }

  #begin(buffer: Buffer): void {
    const at = this.#take(buffer, 20);
    this.#finish(buffer);
    if (this.#inTransaction) throw this.#malformed(buffer, 'a transaction inside a transaction');
    this.#inTransaction = true;
    this.#handler.begin(buffer.readBigUInt64BE(at), this.#timeAt(buffer, at + 8), uint32At(buffer, at + 16));
  }

  #commit(buffer: Buffer): void {
    const at = this.#take(buffer, 25);
    this.#finish(buffer);
    if (!this.#inTransaction) throw this.#malformed(buffer, 'a commit outside a transaction');
    this.#inTransaction = false;
    // The first byte holds flags, which are unused.
    this.#handler.commit(buffer.readBigUInt64BE(at + 1), buffer.readBigUInt64BE(at + 9), this.#timeAt(buffer, at + 17));
  }

  #relation(buffer: Buffer): void {
    const oid = uint32At(buffer, this.#take(buffer, 4));
    // An empty namespace stands for pg_catalog.
    const schema = this.#text(buffer) || 'pg_catalog';
    const name = this.#text(buffer);
    const replicaIdentity = String.fromCharCode(this.#byte(buffer));
    if (!isIdentity(replicaIdentity)) throw this.#malformed(buffer, 'unknown replica identity');
    const count = int16At(buffer, this.#take(buffer, 2));
    if (count < 0 || count > MAX_COLUMNS) throw this.#malformed(buffer, `${count} columns`);
    const columns: RelationColumn[] = [];
    const identityColumns: string[] = [];
    for (let i = 0; i < count; i++) {
      const flags = this.#byte(buffer);
      const column = this.#column(buffer);
      columns.push(column);
      if ((flags & FLAG_IDENTITY) !== 0) identityColumns.push(column.name);
    }
    this.#finish(buffer);
    const relation: LoggedRelation = { oid, schema, name, replicaIdentity, columns, identityColumns };
    this.#relations.set(oid, relation);
    this.#lastRelation = null;
    this.#handler.relation(relation);
  }

  #column(buffer: Buffer): RelationColumn {
    const name = this.#text(buffer);
    const at = this.#take(buffer, 8);
    return { name, typeOid: uint32At(buffer, at), typeModifier: int32At(buffer, at + 4) };
  }

  #truncate(buffer: Buffer): void {
    this.#assertInTransaction(buffer);
    const count = int32At(buffer, this.#take(buffer, 4));
    // Skips the options byte (CASCADE, RESTART IDENTITY): the list of relations is complete either way.
    this.#take(buffer, 1);
    if (count !== (this.#end - this.#position) / 4) throw this.#malformed(buffer, `a truncate of ${count} relations`);
    const relations: LoggedRelation[] = [];
    for (let i = 0; i < count; i++) {
      relations.push(this.#known(buffer, uint32At(buffer, this.#take(buffer, 4))));
    }
    this.#handler.truncate(relations);
  }

  #changedRelation(buffer: Buffer): LoggedRelation {
    this.#assertInTransaction(buffer);
    const oid = uint32At(buffer, this.#take(buffer, 4));
    const last = this.#lastRelation;
    if (last !== null && last.oid === oid) return last;
    this.#lastRelation = this.#known(buffer, oid);
    return this.#lastRelation;
  }

  /** TupleData: the loop that every value passes through. Two comparisons per field keep it inside the message. */
  #tuple(buffer: Buffer, relation: LoggedRelation, tuple: Tuple): void {
    const { starts, lengths } = tuple;
    const end = this.#end;
    let position = this.#take(buffer, 2);
    const count = int16At(buffer, position);
    position += 2;
    if (count !== relation.columns.length) throw this.#malformed(buffer, `a row of ${count} columns`);
    for (let i = 0; i < count; i++) {
      if (position >= end) throw this.#malformed(buffer, `column ${i} is cut off`);
      const kind = byteAt(buffer, position++);
      if (kind === FIELD_TEXT) {
        if (position + 4 > end) throw this.#malformed(buffer, `column ${i} is cut off`);
        const length = int32At(buffer, position);
        position += 4;
        if (length < 0 || length > end - position) throw this.#malformed(buffer, `column ${i} has ${length} bytes`);
        starts[i] = position;
        lengths[i] = length;
        position += length;
      } else if (kind === FIELD_NULL || kind === FIELD_UNCHANGED) {
        starts[i] = 0;
        lengths[i] = kind === FIELD_NULL ? NULL_LENGTH : UNCHANGED_LENGTH;
      } else {
        throw this.#malformed(buffer, `column ${i} is of unknown kind ${kind}`);
      }
    }
    tuple.buffer = buffer;
    tuple.count = count;
    this.#position = position;
  }

  #known(buffer: Buffer, oid: number): LoggedRelation {
    const relation = this.#relations.get(oid);
    if (relation === undefined) throw this.#malformed(buffer, `relation ${oid} was never described`);
    return relation;
  }

  /** Where the next `size` bytes begin; moves past them. */
  #take(buffer: Buffer, size: number): number {
    const at = this.#position;
    if (size > this.#end - at) throw this.#malformed(buffer, 'it is cut off');
    this.#position = at + size;
    return at;
  }

  #byte(buffer: Buffer): number {
    return byteAt(buffer, this.#take(buffer, 1));
  }

  /** A zero-terminated string. */
  #text(buffer: Buffer): string {
    const start = this.#position;
    const zero = buffer.indexOf(0, start);
    if (zero < 0 || zero >= this.#end) throw this.#malformed(buffer, 'a name has no end');
    this.#position = zero + 1;
    return buffer.toString('utf8', start, zero);
  }

  #timeAt(buffer: Buffer, at: number): number {
    const timeUs = int64NumberAt(buffer, at) + POSTGRES_EPOCH_US;
    if (!Number.isSafeInteger(timeUs)) throw this.#malformed(buffer, 'a commit time out of range');
    return timeUs;
  }

  #finish(buffer: Buffer): void {
    if (this.#position !== this.#end) throw this.#malformed(buffer, `${this.#end - this.#position} bytes too many`);
  }

  #assertInTransaction(buffer: Buffer): void {
    if (!this.#inTransaction) throw this.#malformed(buffer, 'a change outside a transaction');
  }

  #malformed(buffer: Buffer, what: string): WalflowError {
    const tag = byteAt(buffer, this.#start).toString(16).padStart(2, '0');
    return malformed(
      `${what} (message 0x${tag}, ${this.#end - this.#start} bytes, at byte ${this.#position - this.#start})`,
    );
  }
}

function isIdentity(letter: string): letter is ReplicaIdentity {
  return IDENTITIES.includes(letter);
}

function malformed(what: string): WalflowError {
  return new WalflowError('PGOUTPUT_MALFORMED', `the server sent a message that cannot be decoded: ${what}`);
}
