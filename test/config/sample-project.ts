// A configuration that is right, to be made wrong in one place, and how one that is wrong is refused.

import { type ConfigOrigin, resolveProject } from '../../workers/config/resolve.ts';
import { duckdb } from '../../workflows/model/define.ts';
import { WalflowError } from '../../workflows/model/errors.ts';

export const ORIGIN: ConfigOrigin = {
  label: 'walflow.config.ts',
  file: '/app/walflow.config.ts',
  folder: '/app',
  env: {},
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
