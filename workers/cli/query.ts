// `walflow query`: read-only SQL against the warehouse of a running walflow.

import { type Command, Option } from 'commander';
import type { QueryResult, QueryValue } from '../../activities/warehouse/query.ts';
import { csv, textTable } from '../text/table.ts';
import { type Cli, examples } from './cli.ts';
import { EXIT, type ExitCode } from './terminal.ts';

interface QueryOptions {
  readonly json?: boolean;
  readonly csv?: boolean;
}

const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL.*|DOUBLE|FLOAT)$/;

export function addQuery(program: Command, cli: Cli): void {
  program
    .command('query')
    .argument('<sql>', 'one read-only statement')
    .description('query the warehouse, read only: captured tables and assets')
    .addOption(new Option('--json', 'print {columns, rows} as JSON').conflicts('csv'))
    .option('--csv', 'print CSV with a header; NULL is an empty field')
    .addHelpText(
      'after',
      examples(
        'walflow query "select count(*) from public.orders"',
        'walflow query --csv "select * from analytics.revenue_by_day order by day" > revenue.csv',
      ),
    )
    .action(
      cli.action(async (sql: string, options: QueryOptions) => {
        return print(cli, await (await cli.api()).query(sql), options);
      }),
    );
}

function print({ terminal }: Cli, result: QueryResult, options: QueryOptions): ExitCode {
  const names = result.columns.map(({ name }) => name);
  if (options.json) terminal.out(JSON.stringify(result));
  else if (options.csv)
    terminal.out(
      csv(
        names,
        result.rows.map((row) => row.map(textOf)),
      ),
    );
  else {
    const columns = result.columns.map(
      ({ name, type }) => ({ name, align: NUMERIC.test(type) ? 'right' : 'left' }) as const,
    );
    terminal.out(
      textTable(
        columns,
        result.rows.map((row) => row.map((value) => textOf(value) ?? 'NULL')),
      ),
    );
    terminal.out(`${result.rows.length} ${result.rows.length === 1 ? 'row' : 'rows'}`);
  }
  return EXIT.done;
}

function textOf(value: QueryValue): string | null {
  if (value === null) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
