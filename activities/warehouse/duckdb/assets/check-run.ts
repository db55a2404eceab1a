// Runs one check: how many rows break it, and the keys of the first of them.

import { type AssetCheck, keyColumns } from '../../../../workflows/model/asset/check.ts';
import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import type { FailingKey } from '../../check-order.ts';
import { blamesData, failureClass, safeText } from '../failure.ts';
import { quoted } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';
import { type CheckedRows, checkSelect } from './check-sql.ts';

const KEYS_KEPT = 20;
const KEY_LENGTH = 200;

export interface Finding {
  readonly failing: number;
  readonly keys: readonly FailingKey[];
}

/** The SQL of a check failed. ⚠ The transaction it ran in may be lost: DuckDB aborts it for what fails while it runs. */
export class CheckError extends Error {
  readonly check: string;

  constructor(check: string, cause: unknown) {
    super(safeText(cause), { cause });
    this.name = 'CheckError';
    this.check = check;
  }
}

/** @throws CheckError */
export async function runCheck(
  session: DuckDbSession,
  asset: DerivedAsset,
  check: AssetCheck,
  rows: CheckedRows,
): Promise<Finding> {
  const sql = checkSelect(check, rows);
  try {
    const [found] = await session.rows<{ failing: string }>(`select count(*) as failing from (${sql})`);
    const failing = Number(found?.failing ?? 0);
    return { failing, keys: failing === 0 ? [] : await keysOf(session, asset, check, sql) };
  } catch (cause) {
    if (!blamesData(cause) && failureClass(cause) !== 'Parser') throw cause;
    throw new CheckError(check.name, cause);
  }
}

async function keysOf(
  session: DuckDbSession,
  { checks }: DerivedAsset,
  { rule }: AssetCheck,
  sql: string,
): Promise<readonly FailingKey[]> {
  const key = rule.kind === 'unique' ? rule.columns : keyColumns(checks);
  const described = await session.rows<{ name: string }>(`select lower(column_name) as name from (describe ${sql})`);
  const columns = new Set(described.map(({ name }) => name));
  if (key.length === 0 || !key.every((column) => columns.has(column.toLowerCase()))) return [];
  const texts = key.map((column) => `left(${quoted(column)}::VARCHAR, ${KEY_LENGTH}) as ${quoted(column)}`);
  return await session.rows<FailingKey>(`select ${texts.join(', ')} from (${sql}) order by all limit ${KEYS_KEPT}`);
}
