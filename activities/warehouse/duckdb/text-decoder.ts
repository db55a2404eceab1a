// DuckDB's client decodes text with `new TextDecoder()`, which takes a U+FEFF at the beginning for a byte order mark and drops
// it. In a value, or in the name of a table, it is the first character.

import accessors from '@duckdb/node-api/lib/vectors/dataAccessors.js';

/** Gives the client a decoder that keeps it, in the whole process. */
export function decodeExactly(): void {
  Object.assign(accessors, { textDecoder: new TextDecoder('utf-8', { ignoreBOM: true }) });
}
