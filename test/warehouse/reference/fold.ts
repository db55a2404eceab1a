// The fold, one change after the other, as the source itself made them. A value that no change carried is `Untold`: it is
// what the row had when the changes began, wherever the row has lived since.

import type { TextRow } from '../lab.ts';

export interface Position {
  readonly lsn: bigint;
  readonly ordinal: number;
}

export interface Change extends Position {
  readonly op: string;
  readonly time: string;
  readonly moved: boolean;
  readonly unchanged: ReadonlySet<string>;
  readonly values: TextRow;
}

export interface StoredRow {
  readonly values: TextRow;
  readonly lsn: bigint;
  readonly time: string;
}

/** A row that was there before the first change, and every key it has lived at. */
class Origin {
  readonly stays: string[];

  constructor(key: string) {
    this.stays = [key];
  }
}

class Untold {}

interface TrackedRow {
  readonly values: Readonly<Record<string, string | null | Untold>>;
  readonly lsn: bigint;
  readonly time: string;
  /** Null for a row that a change inserted. */
  readonly origin: Origin | null;
}

export interface FoldResult {
  readonly rows: ReadonlyMap<string, StoredRow>;
  /** Keys that some change was about. */
  readonly touched: ReadonlySet<string>;
  /** Rows that lack a value. */
  readonly unresolved: number;
}

export const isBehind = (one: Position, other: Position) =>
  one.lsn === other.lsn ? one.ordinal > other.ordinal : one.lsn > other.lsn;

export class Fold {
  readonly #columns: readonly string[];
  readonly #keyOf: (values: TextRow) => string;
  readonly #rows = new Map<string, TrackedRow>();
  readonly #touched = new Set<string>();
  /** How many rows have lived at a key, one after the other. */
  readonly #lives = new Map<string, number>();
  /** May a key nobody has spoken of hold a row? */
  #mayHold: boolean;
  #left: { readonly at: Position; readonly row: TrackedRow | undefined } | null = null;

  /** @param base the rows the changes start from; null = they are not known, and some key may hold any */
  constructor(columns: readonly string[], keyOf: (values: TextRow) => string, base: readonly StoredRow[] | null) {
    this.#columns = columns;
    this.#keyOf = keyOf;
    this.#mayHold = base === null;
    for (const row of base ?? []) this.#rows.set(keyOf(row.values), { ...row, origin: null });
  }

  truncate(): void {
    this.#rows.clear();
    this.#mayHold = false;
  }

  apply(change: Change): void {
    const key = this.#keyOf(change.values);
    const old = this.#before(change, key);
    this.#touched.add(key);
    if (change.op === 'd') {
      this.#left = { at: change, row: old };
      this.#rows.delete(key);
      return;
    }
    this.#rows.set(key, {
      values: Object.fromEntries(this.#columns.map((name) => [name, told(change, old, name)])),
      ...{ lsn: change.lsn, time: change.time, origin: old?.origin ?? null },
    });
  }

  /** @param copied rows of a snapshot by key; each is certain only where one row alone has lived at its key */
  finish(copied: ReadonlyMap<string, StoredRow>): FoldResult {
    const rows = new Map<string, StoredRow>();
    let unresolved = 0;
    for (const [key, row] of this.#rows) {
      const told = this.#told(row, copied);
      if (told === null) unresolved += 1;
      else rows.set(key, { values: told, lsn: row.lsn, time: row.time });
    }
    return { rows, touched: this.#touched, unresolved };
  }

  /** The row as it was before the change; nothing where the change inserts it. */
  #before(change: Change, key: string): TrackedRow | undefined {
    if (change.op === 'd' || (change.op === 'u' && !change.moved)) return this.#at(key);
    this.#begin(key);
    if (!change.moved) return undefined;
    const old = this.#cameFrom(change);
    old?.origin?.stays.push(key);
    return old;
  }

  #at(key: string): TrackedRow | undefined {
    if (this.#mayHold && !this.#touched.has(key)) {
      const values = Object.fromEntries(this.#columns.map((name) => [name, new Untold()]));
      this.#begin(key);
      this.#rows.set(key, { values, lsn: 0n, time: '', origin: new Origin(key) });
    }
    return this.#rows.get(key);
  }

  #begin(key: string): void {
    this.#lives.set(key, (this.#lives.get(key) ?? 0) + 1);
  }

  /** The row that the delete right before this change took from its old key. */
  #cameFrom({ lsn, ordinal }: Change): TrackedRow | undefined {
    const left = this.#left;
    return left !== null && left.at.lsn === lsn && left.at.ordinal === ordinal - 1 ? left.row : undefined;
  }

  #told(row: TrackedRow, copied: ReadonlyMap<string, StoredRow>): TextRow | null {
    const certain = row.origin?.stays.filter((key) => this.#lives.get(key) === 1) ?? [];
    const seen = certain.flatMap((key) => copied.get(key) ?? [])[0];
    const values: Record<string, string | null> = {};
    for (const [name, value] of Object.entries(row.values)) {
      if (!(value instanceof Untold)) values[name] = value;
      else if (seen === undefined) return null;
      else values[name] = seen.values[name] ?? null;
    }
    return values;
  }
}

function told(change: Change, old: TrackedRow | undefined, name: string): string | null | Untold {
  if (!change.unchanged.has(name)) return change.values[name] ?? null;
  const kept = old?.values[name];
  return kept === undefined ? new Untold() : kept;
}
