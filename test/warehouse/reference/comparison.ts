// A table against what its source printed, as text: enough for types whose text is the same on both sides.

import { readFile } from 'node:fs/promises';
import type { CompareOrder, RowDifference, TableComparison } from '../../../activities/warehouse/comparison.ts';
import type { StoredRow } from './fold.ts';

type Cells = readonly (string | null)[];

export async function compareText(order: CompareOrder, stored: readonly StoredRow[]): Promise<TableComparison> {
  const names = order.table.columns.map(({ name }) => name);
  const longRows = order.longRows.map((paths) => Promise.all(paths.map((path) => path && readFile(path, 'utf8'))));
  const source = [...parseCsv(await readFile(order.csvPath, 'utf8')), ...(await Promise.all(longRows))];
  const newer = new Set(stored.filter(({ lsn }) => order.before !== null && lsn >= order.before));
  const cells = (row: StoredRow) => names.map((name) => row.values[name] ?? null);
  const differing =
    order.table.keyColumns.length > 0
      ? byKey(order, source, stored, newer)
      : asBags(source, stored.filter((row) => !newer.has(row)).map(cells));
  return {
    ...{ tag: 'compared', rowsSource: source.length, rowsWarehouse: stored.length },
    ...{ differing: differing.slice(0, order.limit), differingCount: differing.length },
  };
}

function byKey(
  { table }: CompareOrder,
  source: readonly Cells[],
  stored: readonly StoredRow[],
  newer: ReadonlySet<StoredRow>,
): readonly RowDifference[] {
  const indexes = table.keyColumns.map((key) => table.columns.findIndex(({ name }) => name === key));
  const keyOf = (cells: Cells) => indexes.map((index) => cells[index] ?? '');
  const left = new Map(stored.map((row) => [JSON.stringify(keyOf(cellsOf(row))), row]));
  const differing: RowDifference[] = [];
  for (const cells of source) {
    const key = keyOf(cells);
    const row = left.get(JSON.stringify(key));
    left.delete(JSON.stringify(key));
    if (row === undefined) differing.push({ key, kind: 'missing', columns: [] });
    else if (!newer.has(row)) {
      const columns = table.columns.flatMap(({ name }, i) => (cells[i] === cellsOf(row)[i] ? [] : [name]));
      if (columns.length > 0) differing.push({ key, kind: 'different', columns });
    }
  }
  for (const row of left.values()) {
    if (!newer.has(row)) differing.push({ key: keyOf(cellsOf(row)), kind: 'extra', columns: [] });
  }
  return differing.sort((one, other) => (JSON.stringify(one.key) < JSON.stringify(other.key) ? -1 : 1));

  function cellsOf(row: StoredRow): Cells {
    return table.columns.map(({ name }) => row.values[name] ?? null);
  }
}

function asBags(source: readonly Cells[], warehouse: readonly Cells[]): readonly RowDifference[] {
  const extra = warehouse.map((cells) => JSON.stringify(cells));
  const missing = source
    .map((cells) => JSON.stringify(cells))
    .filter((row) => {
      const at = extra.indexOf(row);
      if (at >= 0) extra.splice(at, 1);
      return at < 0;
    });
  const named = (kind: RowDifference['kind']) => ({ key: [], kind, columns: [] });
  return [...missing.map(() => named('missing')), ...extra.map(() => named('extra'))];
}

/** NULL is nothing, an empty text is quoted; a quoted field may hold commas, quotes (twice) and line ends. */
function parseCsv(text: string): readonly Cells[] {
  const lines: Cells[] = [];
  let line: (string | null)[] = [];
  for (const [, field = '', quoted, end] of text.matchAll(/("((?:[^"]|"")*)"|[^",\n]*)(,|\n)/g)) {
    line.push(quoted === undefined ? field || null : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    lines.push(line);
    line = [];
  }
  return lines;
}
