// Big-endian reads from a replication message (station 2 on a row's way). They check no bounds: the caller has.
// Numbers stand as the PostgreSQL protocol sends them, in network byte order.

const TWO_32 = 4_294_967_296;

/** Caller checks `position < end <= buffer.length`. */
export function byteAt(buffer: Buffer, position: number): number {
  return buffer[position] as number;
}

export function int16At(buffer: Buffer, position: number): number {
  return ((byteAt(buffer, position) << 24) >> 16) | byteAt(buffer, position + 1);
}

export function int32At(buffer: Buffer, position: number): number {
  return (
    (byteAt(buffer, position) << 24) |
    (byteAt(buffer, position + 1) << 16) |
    (byteAt(buffer, position + 2) << 8) |
    byteAt(buffer, position + 3)
  );
}

/** OIDs and transaction ids are unsigned. */
export function uint32At(buffer: Buffer, position: number): number {
  return int32At(buffer, position) >>> 0;
}

/** A signed 64-bit number as a double: exact up to 2^53, which microseconds reach in the year 2255. */
export function int64NumberAt(buffer: Buffer, position: number): number {
  return int32At(buffer, position) * TWO_32 + uint32At(buffer, position + 4);
}
