// How an asset is declared to a warehouse: what decides, at the next start, whether it is still what it was.

export interface Declaration {
  readonly asset: string;
  readonly kind: 'table' | 'view';
  /** Hash of what decides its rows. */
  readonly code: string;
  /** Of a table what it reads and how it is divided, as the warehouse notes it; of a view its place. Empty = not noted. */
  readonly reads: string;
}

export interface StoredDeclaration extends Declaration {
  /** How many of its partitions have been computed; 1 for the whole of an asset without partitions. */
  readonly partitions: number;
}
