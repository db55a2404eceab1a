// A column of a seed, as a warehouse reads its file.

export interface SeedColumn {
  readonly name: string;
  /** As the warehouse writes it. */
  readonly type: string;
}
