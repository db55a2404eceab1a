// The columns that an asset promises to its readers: names, types, and which are never NULL.

import type { AssetCheck } from './check.ts';

/** `DATE`, `DECIMAL(18,2) not null`; as an object with what it means, for people. */
export type DeclaredColumn = string | { readonly type: string; readonly description?: string };

/** By name. */
export type DeclaredColumns = Readonly<Record<string, DeclaredColumn>>;

/** What happens when an asset yields other columns than its table has; `rebuild`: the table is made again. */
export type SchemaChange = 'fail' | 'rebuild';

export interface Column {
  readonly name: string;
  /** As it was written: what the engine calls it, only the engine knows. */
  readonly type: string;
  readonly notNull: boolean;
  readonly description?: string;
}

/** The check that keeps NULL out of columns that have none. No check of a user can have its name. */
export const NOT_NULL_CHECK = 'columns';

export function columnsOf(declared: DeclaredColumns): readonly Column[] {
  return Object.entries(declared).map(([name, column]) => {
    const { type, ...more } = typeof column === 'string' ? { type: column } : column;
    const [, bare = type, notNull] = /^(.*?)(\s+not\s+null)?$/i.exec(type.trim()) ?? [];
    return { name, type: bare, notNull: notNull !== undefined, ...more };
  });
}

export function contractChecks(declared: DeclaredColumns): readonly AssetCheck[] {
  const columns = columnsOf(declared).flatMap(({ name, notNull }) => (notNull ? [name] : []));
  if (columns.length === 0) return [];
  return [{ name: NOT_NULL_CHECK, severity: 'error', blocking: true, rule: { kind: 'notNull', columns } }];
}
