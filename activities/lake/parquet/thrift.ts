// Writes Thrift's compact protocol, as far as Parquet's page headers and footer need it. Structs are written field by field, in
// ascending order of ids. Spec: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md

const TYPE_TRUE = 1;
const TYPE_FALSE = 2;
const TYPE_I8 = 3;
const TYPE_I32 = 5;
const TYPE_I64 = 6;
const TYPE_BINARY = 8;
const TYPE_LIST = 9;
const TYPE_STRUCT = 12;

/** Element types of lists. */
export const LIST_OF_I32 = TYPE_I32;
export const LIST_OF_BINARY = TYPE_BINARY;
export const LIST_OF_STRUCT = TYPE_STRUCT;

const VARINT_MAX_BYTES = 10;

export class ThriftWriter {
  #bytes = Buffer.allocUnsafe(1024);
  #length = 0;
  /** Last field id of each open struct: ids are stored as differences. */
  readonly #lastIds: number[] = [];

  /** A copy of what was written. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  /** Begins a struct that is not a field: the outermost one, or an element of a list. */
  begin(): this {
    this.#lastIds.push(0);
    return this;
  }

  end(): this {
    this.#byte(0);
    this.#lastIds.pop();
    return this;
  }

  struct(id: number): this {
    this.#field(id, TYPE_STRUCT);
    return this.begin();
  }

  list(id: number, elementType: number, size: number): this {
    this.#field(id, TYPE_LIST);
    if (size < 15) {
      this.#byte((size << 4) | elementType);
    } else {
      this.#byte(0xf0 | elementType);
      this.#varint(size);
    }
    return this;
  }

  bool(id: number, value: boolean): this {
    this.#field(id, value ? TYPE_TRUE : TYPE_FALSE);
    return this;
  }

  i8(id: number, value: number): this {
    this.#field(id, TYPE_I8);
    this.#byte(value);
    return this;
  }

  i32(id: number, value: number): this {
    this.#field(id, TYPE_I32);
    return this.i32Element(value);
  }

  /** `value` lies within ±2^52: sizes and counts. */
  i64(id: number, value: number): this {
    this.#field(id, TYPE_I64);
    this.#varint(value >= 0 ? value * 2 : -value * 2 - 1);
    return this;
  }

  binary(id: number, value: string | Uint8Array): this {
    this.#field(id, TYPE_BINARY);
    return this.binaryElement(value);
  }

  i32Element(value: number): this {
    this.#varint(value >= 0 ? value * 2 : -value * 2 - 1);
    return this;
  }

  binaryElement(value: string | Uint8Array): this {
    const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
    this.#varint(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  #field(id: number, type: number): void {
    const depth = this.#lastIds.length - 1;
    const difference = id - (this.#lastIds[depth] ?? 0);
    this.#lastIds[depth] = id;
    if (difference > 0 && difference < 16) {
      this.#byte((difference << 4) | type);
    } else {
      this.#byte(type);
      this.i32Element(id);
    }
  }

  /** Unsigned LEB128; division instead of shifts, which would cut to 32 bits. */
  #varint(value: number): void {
    this.#reserve(VARINT_MAX_BYTES);
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + count));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
