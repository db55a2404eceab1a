// A change whose message is too large to hold: skipped in pieces, to learn its table and its largest column. Keeps nothing of
// the values.
// https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html (Insert, Update, Delete, TupleData)

import { int16At, int32At, uint32At } from './byte-reader.ts';
import { XLOG_HEADER_BYTES } from './replication-frame.ts';

/** The largest value of a change. */
export interface LargestValue {
  readonly relationOid: number;
  /** Number of the column in the relation. */
  readonly column: number;
  /** Size of its text. */
  readonly bytes: number;
}

const TEXT = 0x74;
/** Insert, update, delete. */
const ROW_TAGS: ReadonlySet<number> = new Set([0x49, 0x55, 0x44]);
/** Frame header, then tag and OID of the relation. */
const HEAD_BYTES = XLOG_HEADER_BYTES + 5;
/** Kind of the row (N, K, O) and number of its columns. */
const ROW_HEAD_BYTES = 3;

/** What comes next. */
type Expected = 'head' | 'row' | 'kind' | 'length' | 'value' | 'anything';

const SIZES = { head: HEAD_BYTES, row: ROW_HEAD_BYTES, kind: 1, length: 4 } as const;

export class LargeChange {
  #expected: Expected = 'head';
  /** The part of a head that has arrived. */
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headBytes = 0;
  #valueBytes = 0;
  #column = 0;
  #columns = 0;
  #relationOid = 0;
  #largest: LargestValue | null = null;

  /** Of all rows in the change; null if the message was not a change of a row. */
  get largest(): LargestValue | null {
    return this.#largest;
  }

  push(buffer: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end && this.#expected !== 'anything') {
      at = this.#expected === 'value' ? this.#skip(at, end) : this.#fill(SIZES[this.#expected], buffer, at, end);
    }
  }

  #skip(at: number, end: number): number {
    const skipped = Math.min(end - at, this.#valueBytes);
    this.#valueBytes -= skipped;
    if (this.#valueBytes === 0) this.#nextColumn();
    return at + skipped;
  }

  #fill(size: number, buffer: Buffer, at: number, end: number): number {
    const copied = buffer.copy(this.#head, this.#headBytes, at, Math.min(end, at + size - this.#headBytes));
    this.#headBytes += copied;
    if (this.#headBytes === size) {
      this.#headBytes = 0;
      this.#read();
    }
    return at + copied;
  }

  #read(): void {
    const head = this.#head;
    switch (this.#expected) {
      case 'head':
        this.#relationOid = uint32At(head, XLOG_HEADER_BYTES + 1);
        this.#expected = ROW_TAGS.has(head[XLOG_HEADER_BYTES] as number) ? 'row' : 'anything';
        break;
      case 'row':
        this.#columns = int16At(head, 1);
        this.#column = -1;
        this.#nextColumn();
        break;
      case 'kind':
        if (head[0] === TEXT) this.#expected = 'length';
        else this.#nextColumn();
        break;
      default:
        this.#value(int32At(head, 0));
    }
  }

  #value(bytes: number): void {
    if (bytes > (this.#largest?.bytes ?? -1)) {
      this.#largest = { relationOid: this.#relationOid, column: this.#column, bytes };
    }
    this.#valueBytes = bytes;
    if (bytes > 0) this.#expected = 'value';
    else this.#nextColumn();
  }

  /** After the last column another row may follow: the new row of an update. */
  #nextColumn(): void {
    this.#column += 1;
    this.#expected = this.#column < this.#columns ? 'kind' : 'row';
  }
}
