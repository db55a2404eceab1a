// The client decodes every text with a decoder that drops a U+FEFF in front: `new TextDecoder()` takes it for a byte order
// mark. Of a value, or of a table's name, it is the first character.

import accessors from '@duckdb/node-api/lib/vectors/dataAccessors.js';

/** Gives the client, for all of this process, a decoder that keeps what it reads. */
export function decodeExactly(): void {
  Object.assign(accessors, { textDecoder: new TextDecoder('utf-8', { ignoreBOM: true }) });
}
