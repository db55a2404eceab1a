// A project without a file: `walflow dev --source URL --tables …` follows one database into one DuckDB file.

import { resolve } from 'node:path';
import type { ResolvedProject } from './project.ts';
import { resolveProject } from './resolve.ts';
import type { Environment } from './setting.ts';
import { SOURCE_FILES } from './source-file.ts';

interface AdHocOptions {
  /** `--source`. */
  readonly source: string;
  /** `--tables`; empty = all of schema `public`. */
  readonly tables: readonly string[];
  /** `--pipeline`; also names project, slot and folder. */
  readonly pipeline: string;
  /** State folder, which also holds the warehouse file. */
  readonly home: string;
  /** What a relative `home` is relative to. */
  readonly folder: string;
  readonly env: Environment;
}

const DEV_LAKE = 's3://walflow/raw/cdc';

/** @throws WalflowError CONFIG_INVALID, naming the field that a flag sets */
export function adHocProject(options: AdHocOptions): ResolvedProject {
  const { source, tables, pipeline, home, folder, env } = options;
  return resolveProject(
    {
      name: pipeline,
      warehouses: { main: { kind: 'duckdb', path: resolve(folder, home, 'warehouse.duckdb') } },
      pipelines: {
        [pipeline]: {
          source: { url: source, tables: tables.length === 0 ? ['public.*'] : tables },
          lake: { url: env.WALFLOW_LAKE_URL || DEV_LAKE },
        },
      },
    },
    { label: 'the command line', file: null, folder, env, files: SOURCE_FILES },
  );
}
