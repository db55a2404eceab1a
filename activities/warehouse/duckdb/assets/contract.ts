// Compares what an asset's SQL yields with the columns that it promises, before anything is computed. Columns that are never NULL
// are a blocking check: only rows can tell.

import { columnsOf } from '../../../../workflows/model/asset/contract.ts';
import type { DerivedAsset } from '../../../../workflows/model/asset/graph.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import { safeText } from '../failure.ts';
import type { DuckDbSession } from '../session.ts';
import { columnTypes, type TypedColumn, typeName } from './column-type.ts';
import { STAGED, STAGED_PARTITION } from './staging.ts';

/**
 * @param reshaped whether the published table has other columns than STAGED, or does not exist
 * @throws WalflowError ASSET_CONTRACT_BROKEN, ASSET_SCHEMA_CHANGED
 */
export async function assertColumns(session: DuckDbSession, asset: DerivedAsset, reshaped: boolean): Promise<void> {
  const { columns, onSchemaChange } = asset.definition;
  if (columns === undefined && onSchemaChange !== 'fail') return;
  const all = await columnTypes(session, { schema: 'main', name: STAGED });
  const staged = all.filter(({ name }) => name !== STAGED_PARTITION);
  if (columns !== undefined) {
    const promised: TypedColumn[] = [];
    for (const { name, type } of columnsOf(columns)) {
      promised.push({ name, type: await promisedType(session, asset.key, name, type) });
    }
    const differences = differencesOf(staged, promised);
    if (differences.length > 0) {
      const what = `${asset.key} does not keep its contract: ${differences.join('; ')}`;
      throw new WalflowError('ASSET_CONTRACT_BROKEN', what);
    }
  }
  if (onSchemaChange !== 'fail' || !reshaped) return;
  const published = await columnTypes(session, asset.place);
  if (published.length === 0) return;
  const changes = differencesOf(staged, published);
  const text = changes.length > 0 ? changes.join('; ') : 'the same in another order';
  throw new WalflowError('ASSET_SCHEMA_CHANGED', `${asset.key} yields other columns than its table has: ${text}`);
}

async function promisedType(session: DuckDbSession, asset: string, column: string, type: string): Promise<string> {
  try {
    return await typeName(session, type);
  } catch (cause) {
    throw new WalflowError('ASSET_CONTRACT_BROKEN', `column ${column} of ${asset}: ${safeText(cause)}`, { cause });
  }
}

function differencesOf(found: readonly TypedColumn[], wanted: readonly TypedColumn[]): readonly string[] {
  const byName = (columns: readonly TypedColumn[]) => new Map(columns.map((one) => [one.name.toLowerCase(), one]));
  const [there, asked] = [byName(found), byName(wanted)];
  return [
    ...wanted.flatMap(({ name, type }) => {
      const actual = there.get(name.toLowerCase())?.type;
      if (actual === undefined) return [`${name} is missing`];
      return actual === type ? [] : [`${name} is ${actual}, not ${type}`];
    }),
    ...found.flatMap(({ name }) => (asked.has(name.toLowerCase()) ? [] : [`${name} is not expected`])),
  ];
}
