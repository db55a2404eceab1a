// Writes ops/postgres/shop.sql: the demo's schema and first rows for the Postgres of docker-compose.yml, which runs the file
// when its data folder is new. Generated from the demo's definition; a test fails if the file is outdated.

import { writeFileSync } from 'node:fs';
import { SHOP_SCHEMA_SQL, SHOP_SEED_SQL } from '../workers/demo/shop-schema.ts';

export const SHOP_SQL_FILE = new URL('postgres/shop.sql', import.meta.url);

export function shopSql(): string {
  return `-- Made from workers/demo/shop-schema.ts by \`npm run docs\`.\n${SHOP_SCHEMA_SQL}${SHOP_SEED_SQL}`;
}

if (import.meta.main) writeFileSync(SHOP_SQL_FILE, shopSql());
