// A check of an asset: what must hold of its rows. Each is a SELECT of the rows that break it, written as SQL or made from one of
// the generic kinds.

import { WalflowError } from '../errors.ts';
import type { TableName } from '../relation.ts';
import { CHECK_WORDS, isCheckWord, piecesOf, placeholderName } from './placeholder.ts';

/** What a row that breaks it means: `warn` only marks the asset. */
export type CheckSeverity = 'error' | 'warn';

export type AcceptedValue = string | number | boolean;

/** What must hold, as a user writes it. */
export type CheckRule =
  | {
      readonly kind: 'sql';
      /** A SELECT of failing rows. `{this}` is the table, `{new}` what a step is about to publish, `{key}` a dependency. */
      readonly sql: string;
    }
  | { readonly kind: 'notNull'; readonly columns: readonly string[] }
  | { readonly kind: 'unique'; readonly columns: readonly string[] }
  | { readonly kind: 'acceptedValues'; readonly column: string; readonly values: readonly AcceptedValue[] }
  | { readonly kind: 'relationship'; readonly column: string; readonly to: string; readonly toColumn: string }
  | { readonly kind: 'rowCount'; readonly min?: number; readonly max?: number };

export type Check = CheckRule & {
  /** Default `error`. */
  readonly severity?: CheckSeverity;
  /** Rows that break it are not published. Default false: they are, and the asset is marked. */
  readonly blocking?: boolean;
};

/** By name. A text is the SQL of a check without options. */
export type Checks = Readonly<Record<string, string | Check>>;

/** A piece of a check's SQL, with its placeholders resolved. */
export type CheckPart =
  | { readonly tag: 'text'; readonly text: string }
  | { readonly tag: 'this' }
  | { readonly tag: 'new' }
  | { readonly tag: 'input'; readonly place: TableName };

/** A check of an asset in the graph: nothing in it is a name any more that could be wrong. */
export interface AssetCheck {
  readonly name: string;
  readonly severity: CheckSeverity;
  readonly blocking: boolean;
  readonly rule:
    | Exclude<CheckRule, { kind: 'sql' | 'relationship' }>
    | { readonly kind: 'sql'; readonly parts: readonly CheckPart[] }
    | { readonly kind: 'relationship'; readonly column: string; readonly to: TableName; readonly toColumn: string };
}

/** What is wrong with a check; `name` is the word that is not known. */
export type CheckFault = { readonly check: string; readonly what: string } & (
  | { readonly tag: 'unknown-placeholder' | 'unknown-dependency'; readonly name: string }
  | { readonly tag: 'new-of-published' | 'blocking-warning' }
);

export const checkOf = (declared: string | Check): Check =>
  typeof declared === 'string' ? { kind: 'sql', sql: declared } : declared;

/** @param deps keys of the asset's dependencies */
export function checkFaults(checks: Checks, deps: readonly string[]): readonly CheckFault[] {
  return Object.entries(checks).flatMap(([name, declared]) => faultsOf(name, checkOf(declared), deps));
}

function faultsOf(check: string, it: Check, deps: readonly string[]): readonly CheckFault[] {
  const fault = (tag: 'new-of-published' | 'blocking-warning', what: string): CheckFault => ({ check, tag, what });
  const warns =
    it.blocking === true && it.severity === 'warn'
      ? [fault('blocking-warning', 'is blocking, but its severity is warn')]
      : [];
  if (it.kind === 'relationship' && !deps.includes(it.to)) {
    const what = `looks into ${it.to}, which is not in deps`;
    return [...warns, { check, tag: 'unknown-dependency', name: it.to, what }];
  }
  if (it.kind !== 'sql') return warns;
  const known = new Set([...CHECK_WORDS, ...deps.map(placeholderName)]);
  const names = new Set(piecesOf(it.sql).flatMap((piece) => (piece.tag === 'placeholder' ? [piece.name] : [])));
  const unknown = [...names].filter((name) => !known.has(name));
  const reads = unknown.map((name): CheckFault => {
    return { check, tag: 'unknown-placeholder', name, what: `reads {${name}}, which is neither {this} nor in deps` };
  });
  const hasNew = names.has('new') && it.blocking !== true;
  return [...warns, ...reads, ...(hasNew ? [fault('new-of-published', 'reads {new}, but is not blocking')] : [])];
}

/**
 * @param places tables of the asset's dependencies, by key
 * @throws WalflowError ASSET_INVALID for a check in which `checkFaults` finds a fault.
 */
export function resolveChecks(
  asset: string,
  checks: Checks,
  places: ReadonlyMap<string, TableName>,
): readonly AssetCheck[] {
  const [fault] = checkFaults(checks, [...places.keys()]);
  if (fault !== undefined) throw new WalflowError('ASSET_INVALID', `check ${fault.check} of ${asset} ${fault.what}`);
  return Object.entries(checks).map(([name, declared]) => {
    const { severity = 'error', blocking = false, ...rule } = checkOf(declared);
    return { name, severity, blocking, rule: resolvedRule(rule, places) };
  });
}

function resolvedRule(rule: CheckRule, places: ReadonlyMap<string, TableName>): AssetCheck['rule'] {
  if (rule.kind === 'relationship') return { ...rule, to: placeOf(places, rule.to) };
  if (rule.kind !== 'sql') return rule;
  const byName = new Map([...places].map(([key, place]) => [placeholderName(key), place]));
  const parts = piecesOf(rule.sql).map((piece): CheckPart => {
    if (piece.tag === 'text') return piece;
    return isCheckWord(piece.name) ? { tag: piece.name } : { tag: 'input', place: placeOf(byName, piece.name) };
  });
  return { kind: 'sql', parts };
}

function placeOf(places: ReadonlyMap<string, TableName>, name: string): TableName {
  const place = places.get(name);
  if (place === undefined) throw new WalflowError('ASSET_INVALID', `a check reads ${name}, which is not in deps`);
  return place;
}

/** Columns by which a row is told from others, as its checks say: those of the first `unique`; none without one. */
export function keyColumns(checks: readonly AssetCheck[]): readonly string[] {
  for (const { rule } of checks) if (rule.kind === 'unique') return rule.columns;
  return [];
}
