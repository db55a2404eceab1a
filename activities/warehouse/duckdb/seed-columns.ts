// The columns of a seed, as loading it will find them, without a warehouse: for `walflow check`.

import { dirname } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { LoadedSeed } from '../../../workflows/model/asset/definition.ts';
import { WalflowError } from '../../../workflows/model/errors.ts';
import type { SeedColumn } from '../seed-column.ts';
import { seedSelect } from './assets/seed-sql.ts';
import { safeText } from './failure.ts';
import { lockingStatements } from './instance.ts';
import { DuckDbSession } from './session.ts';

/**
 * Reads the whole file once, because the last row may decide a type.
 * @throws WalflowError ASSET_INVALID
 */
export async function seedColumns(key: string, seed: LoadedSeed): Promise<readonly SeedColumn[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const session = new DuckDbSession(await instance.connect());
  try {
    for (const statement of lockingStatements([dirname(seed.path)])) await session.run(statement);
    await session.run(`create temp table rows as ${seedSelect(seed)}`);
    return await session.rows<SeedColumn>(`select column_name as name, column_type as type from (describe rows)`);
  } catch (cause) {
    throw new WalflowError('ASSET_INVALID', `the file of ${key} cannot be loaded: ${safeText(cause)}`, {
      hint: "look at the file, and at 'columns' and 'delimiter' of the seed",
      cause,
    });
  } finally {
    session.close();
    instance.closeSync();
  }
}
