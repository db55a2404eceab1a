// What `walflow verify` prints: one line per table, and the keys that differ. Prints keys, but never other values. Pure.

import type { RowDifference } from '../../activities/warehouse/comparison.ts';
import { lsnToText, parseLsn } from '../../workflows/model/lsn.ts';
import type { TableVerification, VerifyReport } from '../http/backend.ts';
import { countText } from '../text/quantity.ts';

const KINDS = {
  missing: 'only in the source',
  extra: 'only in the warehouse',
  different: 'differs in',
} as const satisfies Record<RowDifference['kind'], string>;

const VERDICTS = {
  equal: 'equal by value',
  differs: 'DIFFERS',
  'not-comparable': 'not all tables could be compared',
} as const satisfies Record<VerifyReport['result'], string>;

export function verifyText({ pipeline, result, mergedLsn, tables }: VerifyReport): string {
  const position = lsnToText(parseLsn(mergedLsn));
  const verdict = tables.length === 0 ? 'there is no table to compare' : VERDICTS[result];
  return [...tables.flatMap(tableLines), `${pipeline}: ${verdict} (merged to ${position})`].join('\n');
}

function tableLines(table: TableVerification): readonly string[] {
  switch (table.result) {
    case 'equal':
      return [`${table.table}: equal, ${countText(table.rowsSource)} rows`];
    case 'not-comparable':
      return [`${table.table}: could not be compared: ${table.reason ?? 'no reason given'}`];
    case 'differs':
      return differenceLines(table);
  }
}

function differenceLines(table: TableVerification): readonly string[] {
  const { rowsSource, rowsWarehouse, differing, differingCount, keyColumns, reason } = table;
  const hidden = differingCount - differing.length;
  const keyed = keyColumns.length > 0;
  const kinds = new Set(differing.map(({ kind }) => `  rows ${KINDS[kind]}`));
  return [
    `${table.table}: ${countText(differingCount)} ${keyed ? 'keys' : 'rows'} differ (${countText(rowsSource)} rows in the source, ${countText(rowsWarehouse)} in the warehouse a moment later)`,
    ...(keyed ? differing.map((difference) => `  ${keyText(keyColumns, difference)}`) : kinds),
    ...(keyed && hidden > 0 ? [`  … and ${countText(hidden)} more`] : []),
    ...(reason === undefined ? [] : [`  ${reason}`]),
  ];
}

function keyText(keyColumns: readonly string[], { key, kind, columns }: RowDifference): string {
  const pairs = key.map((value, i) => `${keyColumns[i] ?? `#${i + 1}`}=${JSON.stringify(value)}`);
  return `${pairs.join(', ')}: ${KINDS[kind]}${kind === 'different' ? ` ${columns.join(', ')}` : ''}`;
}
