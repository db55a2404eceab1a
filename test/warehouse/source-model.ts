// A PostgreSQL table in plain JavaScript: applies statements, and says what the log says about them. Table: key (a, b),
// `note` small, `doc` and `pic` large: an update that does not set them leaves them out of the log (PostgreSQL does so for
// values stored out of line only; the model does so for NULL and short ones too).

import fc from 'fast-check';
import type { TestChange } from './change-files.ts';

export interface SourceRow {
  readonly a: string;
  readonly b: string;
  readonly note: string | null;
  readonly doc: string | null;
  readonly pic: string | null;
}

export type Statement =
  | { readonly tag: 'insert'; readonly row: SourceRow }
  | { readonly tag: 'update'; readonly key: number; readonly to: number | null; readonly set: Partial<SourceRow> }
  | { readonly tag: 'swap'; readonly one: number; readonly other: number }
  | { readonly tag: 'delete'; readonly key: number }
  | { readonly tag: 'truncate' };

const LARGE = ['doc', 'pic'] as const;
const KEYS = Array.from({ length: 5 }, (_, i) => ({ a: String(i % 2), b: `k${i}` }));
const keyOf = (row: Pick<SourceRow, 'a' | 'b'>) => `${row.a}/${row.b}`;

const keyIndex = fc.nat({ max: KEYS.length - 1 });
const cell = fc.option(fc.constantFrom('x', 'y', '', "it's"), { nil: null, freq: 3 });
const anyRow = fc
  .record({ key: keyIndex, note: cell, doc: cell, pic: cell })
  .map(({ key, ...cells }) => ({ ...(KEYS[key] ?? { a: '', b: '' }), ...cells }));

export const anyStatement: fc.Arbitrary<Statement> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ tag: fc.constant('insert' as const), row: anyRow }) },
  {
    weight: 9,
    arbitrary: fc.record({
      tag: fc.constant('update' as const),
      key: keyIndex,
      to: fc.option(keyIndex, { nil: null }),
      set: fc.record({ note: cell, doc: cell, pic: cell }, { requiredKeys: [] }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ tag: fc.constant('swap' as const), one: keyIndex, other: keyIndex }) },
  { weight: 3, arbitrary: fc.record({ tag: fc.constant('delete' as const), key: keyIndex }) },
  { weight: 1, arbitrary: fc.constant({ tag: 'truncate' as const }) },
);

/** Several statements in one transaction; several transactions in one window. */
export const anyHistory = fc.array(fc.array(fc.array(anyStatement, { minLength: 1, maxLength: 6 }), { maxLength: 4 }), {
  minLength: 1,
  maxLength: 4,
});

export interface SourceLog {
  readonly changes: TestChange[];
  readonly truncates: { readonly commitLsn: number; readonly ordinal: number }[];
}

export class SourceModel {
  readonly rows = new Map<string, SourceRow>();
  lsn = 0;
  #ordinal = 0;

  /** Runs one transaction; statements that would violate the key, or find no row, do nothing. */
  commit(statements: readonly Statement[], log: SourceLog): void {
    this.lsn += 10;
    this.#ordinal = 0;
    for (const statement of statements) this.#run(statement, log);
  }

  #run(statement: Statement, log: SourceLog): void {
    switch (statement.tag) {
      case 'insert':
        if (this.rows.has(keyOf(statement.row))) return;
        this.rows.set(keyOf(statement.row), statement.row);
        this.#log(log, { op: 'i', row: { ...statement.row } });
        return;
      case 'update': {
        const old = this.#at(statement.key);
        if (old !== undefined) this.#update(old, { ...statement.set, ...(KEYS[statement.to ?? -1] ?? {}) }, log);
        return;
      }
      case 'swap': {
        const one = this.#at(statement.one);
        const other = this.#at(statement.other);
        if (one === undefined || other === undefined || one === other) return;
        const away = this.#update(one, { a: '99', b: 'away' }, log);
        this.#update(other, { a: one.a, b: one.b }, log);
        this.#update(away, { a: other.a, b: other.b }, log);
        return;
      }
      case 'delete': {
        const old = this.#at(statement.key);
        if (old === undefined) return;
        this.rows.delete(keyOf(old));
        this.#log(log, { op: 'd', row: { a: old.a, b: old.b } });
        return;
      }
      case 'truncate':
        this.rows.clear();
        log.truncates.push({ commitLsn: this.lsn, ordinal: this.#ordinal });
        this.#ordinal += 1;
    }
  }

  #at(index: number): SourceRow | undefined {
    return this.rows.get(keyOf(KEYS[index] ?? { a: '', b: '' }));
  }

  #update(old: SourceRow, set: Partial<SourceRow>, log: SourceLog): SourceRow {
    const row = { ...old, ...set };
    const moved = keyOf(row) !== keyOf(old);
    if (moved && this.rows.has(keyOf(row))) return old;
    this.rows.delete(keyOf(old));
    this.rows.set(keyOf(row), row);
    const unchanged = LARGE.filter((column) => !(column in set));
    const carried = Object.fromEntries(Object.entries(row).filter(([name]) => !unchanged.includes(name as never)));
    if (moved) this.#log(log, { op: 'd', row: { a: old.a, b: old.b } });
    this.#log(log, { op: 'u', row: carried, unchanged, moved });
    return row;
  }

  #log(log: SourceLog, change: Omit<TestChange, 'lsn' | 'ordinal'>): void {
    log.changes.push({ ...change, lsn: this.lsn, ordinal: this.#ordinal });
    this.#ordinal += 1;
  }
}
