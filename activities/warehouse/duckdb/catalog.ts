// Creates, migrates or refuses schema `_walflow` when the warehouse is opened.

import { WalflowError } from '../../../workflows/model/errors.ts';
import { CATALOG_DDL, CATALOG_VERSION } from './catalog-sql.ts';
import { MIGRATIONS } from './migrations.ts';
import type { DuckDbSession } from './session.ts';

/**
 * Makes the catalog that of this version, in one transaction: after a kill the file is as it was before.
 * @throws WalflowError WAREHOUSE_NEWER when a later walflow wrote the file.
 */
export async function prepareCatalog(session: DuckDbSession): Promise<void> {
  await session.transaction(async () => {
    const found = await session.rows(
      `select 1 from duckdb_tables() where schema_name = '_walflow' and table_name = 'version'`,
    );
    if (found.length === 0) await createCatalog(session);
    else await migrateCatalog(session);
  });
}

async function createCatalog(session: DuckDbSession): Promise<void> {
  for (const statement of CATALOG_DDL) await session.run(statement);
  await session.run(`insert into _walflow.version values (${CATALOG_VERSION})`);
}

async function migrateCatalog(session: DuckDbSession): Promise<void> {
  const [row] = await session.rows<{ version: number }>('select version from _walflow.version');
  const version = row?.version ?? 0;
  if (version > CATALOG_VERSION) {
    throw new WalflowError(
      'WAREHOUSE_NEWER',
      `the warehouse has catalog version ${version}, but this walflow knows only up to ${CATALOG_VERSION}`,
    );
  }
  for (let from = version; from < CATALOG_VERSION; from += 1) {
    for (const statement of MIGRATIONS.get(from) ?? []) await session.run(statement);
  }
  if (version < CATALOG_VERSION) await session.run(`update _walflow.version set version = ${CATALOG_VERSION}`);
}
