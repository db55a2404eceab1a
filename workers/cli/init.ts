// `walflow init`: writes a configuration to start from. Never overwrites: files that exist are kept, and named.

import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Cli, examples } from './cli.ts';
import { EXIT, type ExitCode } from './terminal.ts';

const CONFIG = `// What walflow follows and where it goes. Every field: docs/configuration.md.
import { defineConfig, duckdb } from 'walflow';

export default defineConfig({
  name: 'app',
  warehouses: { main: duckdb({ path: './warehouse.duckdb' }) },
  pipelines: {
    app: {
      source: { url: process.env.DATABASE_URL, tables: ['public.*'] },
      lake: { url: process.env.WALFLOW_LAKE_URL ?? 's3://walflow/raw/cdc' },
    },
  },
});
`;

const ENV_EXAMPLE = `# Copy to .env: walflow reads .env in the folder it is started in; variables already set win.
# The source database. Its user needs REPLICATION, and must own the tables unless the publication exists already.
DATABASE_URL=postgres://user:password@127.0.0.1:5432/app

# The lake. \`walflow dev\` starts an S3 server of its own unless an endpoint is set.
# WALFLOW_LAKE_URL=s3://my-bucket/raw/cdc
# AWS_ENDPOINT_URL_S3=
# AWS_REGION=
# AWS_ACCESS_KEY_ID=
# AWS_SECRET_ACCESS_KEY=

# A Temporal service; \`walflow dev\` starts one of its own when this is not set.
# TEMPORAL_ADDRESS=127.0.0.1:7233
`;

const IGNORED = ['node_modules/', '.walflow/', '.env', '*.duckdb', '*.duckdb.wal'];

export function addInit(program: Command, cli: Cli): void {
  program
    .command('init')
    .description('write walflow.config.ts, .env.example and .gitignore lines into this folder; nothing is overwritten')
    .addHelpText('after', examples('npx walflow init'))
    .action(cli.action(() => init(cli)));
}

async function init({ terminal }: Cli): Promise<ExitCode> {
  terminal.out(await created(terminal.cwd, 'walflow.config.ts', CONFIG));
  terminal.out(await created(terminal.cwd, '.env.example', ENV_EXAMPLE));
  terminal.out(await ignored(terminal.cwd));
  terminal.out(
    [
      '',
      'Next:',
      '  1. cp .env.example .env       and set DATABASE_URL',
      '  2. npx walflow check          validates the configuration',
      '  3. npx walflow dev            follows the database on this machine',
    ].join('\n'),
  );
  return EXIT.done;
}

async function created(folder: string, name: string, content: string): Promise<string> {
  try {
    await writeFile(join(folder, name), content, { flag: 'wx' });
    return `made  ${name}`;
  } catch (failure) {
    if (failure instanceof Error && 'code' in failure && failure.code === 'EEXIST') return `kept  ${name} (it exists)`;
    throw failure;
  }
}

async function ignored(folder: string): Promise<string> {
  const file = join(folder, '.gitignore');
  const present = await readFile(file, 'utf8').catch(() => '');
  const lines = new Set(present.split(/\r?\n/).map((line) => line.trim().replace(/\/$/, '')));
  const missing = IGNORED.filter((line) => !lines.has(line.replace(/\/$/, '')));
  if (missing.length === 0) return 'kept  .gitignore (it has the lines)';
  const gap = present === '' || present.endsWith('\n') ? '' : '\n';
  await appendFile(file, `${gap}${missing.join('\n')}\n`);
  return `made  .gitignore: ${missing.join(' ')}`;
}
