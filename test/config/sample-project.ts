// A configuration that is right, to be made wrong in one place, and how one that is wrong is refused.

import { nearestName } from '../../workers/config/nearest-name.ts';
import { type ConfigOrigin, resolveProject } from '../../workers/config/resolve.ts';
import { duckdb } from '../../workflows/model/define.ts';
import { WalflowError } from '../../workflows/model/errors.ts';

/** By path. */
const FILES: Readonly<Record<string, string>> = {
  '/app/sql/revenue.sql': 'select sum(total) from {shop/public.orders}',
  '/app/sql/empty.sql': '',
  '/app/seeds/countries.csv': 'code,name',
  '/app/seeds/notes.txt': '',
};

export const ORIGIN: ConfigOrigin = {
  label: 'walflow.config.ts',
  file: '/app/walflow.config.ts',
  folder: '/app',
  env: {},
  files: {
    text: (path) => FILES[path] ?? null,
    hash: (path) => (FILES[path] === undefined ? null : `hash of ${FILES[path]}`),
    nearest: (path) => nearestName(path, Object.keys(FILES)),
  },
};
export const URL_A = 'postgres://ann:s3cret@db:5432/a';

export const pipeline = (source: object = {}, rest: object = {}) => ({
  source: { url: URL_A, tables: ['public.*'], ...source },
  lake: { url: 's3://bucket/raw/cdc' },
  ...rest,
});

export const project = (more: object = {}) => ({
  name: 'shop',
  warehouses: { main: duckdb({ path: './w.duckdb' }) },
  pipelines: { shop: pipeline() },
  ...more,
});

export function refused(config: unknown): WalflowError {
  try {
    resolveProject(config, ORIGIN);
  } catch (failure) {
    if (failure instanceof WalflowError) return failure;
    throw failure;
  }
  throw new Error('the configuration was accepted');
}
