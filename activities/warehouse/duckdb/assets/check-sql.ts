// A check as SQL: a SELECT of the rows that break it. A blocking one looks at rows that are not published yet.

import { createHash } from 'node:crypto';
import type { AcceptedValue, AssetCheck, CheckPart } from '../../../../workflows/model/asset/check.ts';
import { literal, qualified, quoted } from '../identifier.ts';

/** Where the rows are, as FROM items. */
export interface CheckedRows {
  /** The table; for a blocking check, as it would be. */
  readonly all: string;
  /** For a blocking check: what is about to be published. */
  readonly fresh: string | null;
}

export function checkSelect({ rule }: AssetCheck, { all, fresh }: CheckedRows): string {
  // Where a row alone breaks the rule, published rows need not be looked at again.
  const rows = fresh ?? all;
  switch (rule.kind) {
    case 'sql': {
      const text = rule.parts.map((part) => partSql(part, { all, fresh })).join('');
      // On separate lines: a comment at the end of the SQL must not swallow the bracket.
      return `select * from (\n${text.trim().replace(/;$/, '')}\n)`;
    }
    case 'notNull':
      return `select * from ${rows} where ${rule.columns.map((column) => `${quoted(column)} is null`).join(' or ')}`;
    case 'unique':
      return uniqueSelect(rule.columns.map(quoted), { all, fresh });
    case 'acceptedValues':
      return `select * from ${rows} where ${quoted(rule.column)} not in (${rule.values.map(valueSql).join(', ')})`;
    case 'relationship': {
      const [column, other] = [quoted(rule.column), quoted(rule.toColumn)];
      // NULL would not be in an empty table.
      return `select * from ${rows} where ${column} is not null and ${column} not in (
        select ${other} from ${qualified(rule.to)} where ${other} is not null)`;
    }
    case 'rowCount': {
      const { min = 0, max } = rule;
      const above = max === undefined ? '' : ` or count(*) > ${max}`;
      return `select count(*) as rows from ${all} having count(*) < ${min}${above}`;
    }
  }
}

function partSql(part: CheckPart, { all, fresh }: CheckedRows): string {
  switch (part.tag) {
    case 'text':
      return part.text;
    case 'this':
      return all;
    case 'new':
      return fresh ?? all;
    case 'input':
      return qualified(part.place);
  }
}

/** A row for each key that repeats; of a blocking check, only keys of rows that are about to be published. */
function uniqueSelect(columns: readonly string[], { all, fresh }: CheckedRows): string {
  const key = columns.join(', ');
  const some =
    fresh === null
      ? `where ${columns.map((column) => `${column} is not null`).join(' and ')}`
      : `semi join ${fresh} using (${key})`;
  return `select ${key} from ${all} ${some} group by ${key} having count(*) > 1`;
}

function valueSql(value: AcceptedValue): string {
  return typeof value === 'string' ? literal(value) : String(value);
}

/** Twelve hex digits: results of another rule say nothing of this one. */
export function ruleVersionOf({ rule, blocking }: AssetCheck): string {
  return createHash('sha256')
    .update(JSON.stringify([rule, blocking]))
    .digest('hex')
    .slice(0, 12);
}
