// Which queries may make values much larger than those they read, as the engine itself parses them.

import { expect, test } from 'vitest';
import { queryParts } from '../../../activities/warehouse/duckdb/reading/growth.ts';
import { parseQuery } from '../../../activities/warehouse/duckdb/reading/parse.ts';
import { TestWarehouse } from './warehouse.ts';

const warehouse = TestWarehouse.forFile();

async function mayGrow(sql: string, parameters: readonly string[] = []): Promise<boolean> {
  const connection = await warehouse.owner.connectReader();
  try {
    const fixedSize = await warehouse.owner.fixedSizeFunctions();
    return queryParts(await parseQuery(connection, sql), fixedSize, parameters).mayGrow;
  } finally {
    connection.closeSync();
  }
}

test.each([
  `select first || ' ' || last as name, coalesce(total, 0)::decimal(12, 2), date_trunc('day', made) from t where id = 5`,
  `select count(*), sum(x), avg(y), min(z), approx_count_distinct(a), row_number() over (order by b) from t group by all`,
  `select replace(phone, '-', ''), regexp_replace(name, '\\s+', ' ', 'g'), regexp_extract(url, 'https?://([^/]+)', 1) from t`,
  `select country, string_agg(distinct city, ', ') from t group by 1`,
  `select strftime(made, '%Y-%m') as month, upper(trim(name)), case when a > 1 then 'many' else 'few' end from t`,
  `with recent as (select * from t where made > now() - interval 7 days) select concat_ws(', ', a, b) from recent join u using (id)`,
  `select doc->>'$.name', [a, b], {'x': a} from t order by 1 limit 10`,
])('an ordinary query reads in place: %s', async (sql) => {
  expect(await mayGrow(sql)).toBe(false);
});

test.each([
  `select repeat(a, b) from t`,
  `select lpad(a, b, 'x') from t`,
  `select format('{:>9}', a) from t`,
  `select range(a) from t`,
  `select replace(a, '', 'four') from t`,
  `select replace(a, '', b) from t`,
  `select a || a || a || a || a || a || a from t`,
  `select string_agg(a, ',') || 'x' from t`,
  `select list(x) from (select list(a) as x from t)`,
  `select a || '${'x'.repeat(2_000)}' from t`,
  `select a::int[3] from t`,
  `with recursive r(x) as (select 'x' union all select x from r) select * from r`,
  `select nothing_known(a) from t`,
])('a query whose values may be of any size runs apart: %s', async (sql) => {
  expect(await mayGrow(sql)).toBe(true);
});

test('a parameter counts like text in the query', async () => {
  expect(await mayGrow('select a || $1 from t', ['x'.repeat(900)])).toBe(false);
  expect(await mayGrow('select a || $1 from t', ['x'.repeat(2_000)])).toBe(true);
  expect(await mayGrow('select a from t where b = $1', ['x'.repeat(2_000)])).toBe(false);
});
