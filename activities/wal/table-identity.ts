// Which columns identify the rows of a table, as far as the catalog says. A mistake here either loses rows (a key that is
// not unique at every moment) or makes the source's writes fail (an update published without an identity).

import type { ReplicaIdentity } from '../../workflows/model/relation.ts';

/** What pg_class, pg_index and pg_attribute say about identity. */
export interface IdentityFacts {
  readonly replicaIdentity: ReplicaIdentity;
  /** Valid, not deferrable; in index order. A deferrable key is not unique inside a transaction. */
  readonly primaryKey: readonly string[] | null;
  /** Columns of the index named by REPLICA IDENTITY USING INDEX; null when it was dropped. */
  readonly identityIndex: readonly string[] | null;
  /** The identities of all partitions; empty for an ordinary table. */
  readonly leafIdentities: readonly ReplicaIdentity[];
  readonly generatedColumns: readonly string[];
}

/** PostgreSQL 18 refuses updates whose identity covers a generated column that is not published. */
const REFUSES_GENERATED_IDENTITY = 180_000;

/** The key to merge by, in index order. Empty = the WAL does not identify rows, so the table is captured append-only. */
export function keyOf(facts: IdentityFacts, serverVersion: number): readonly string[] {
  const key = candidateOf(facts);
  if (key === null || key.some((column) => facts.generatedColumns.includes(column))) return [];
  const full = facts.replicaIdentity === 'f' || facts.leafIdentities.includes('f');
  if (full && facts.generatedColumns.length > 0 && serverVersion >= REFUSES_GENERATED_IDENTITY) return [];
  return key;
}

function candidateOf(facts: IdentityFacts): readonly string[] | null {
  // The server checks and logs by each partition's own identity: one without the root's key is enough to have no key.
  if (facts.leafIdentities.some((identity) => identity === 'n' || identity === 'i')) return null;
  switch (facts.replicaIdentity) {
    case 'n':
      return null;
    case 'i':
      return facts.leafIdentities.length > 0 ? facts.primaryKey : facts.identityIndex;
    case 'd':
    case 'f':
      return facts.primaryKey;
  }
}
