// The order in which a snapshot reads a keyed table: that of its key's index, by the operators of that index. They are named
// with their schema, because a type may come from an extension whose operators are not on the search path.

import pg from 'pg';
import type { CapturedTable } from '../../../workflows/model/relation.ts';

/** Operators of one key column, as written between two values in SQL. */
export interface KeyOperators {
  readonly less: string;
  readonly lessOrEqual: string;
  readonly greater: string;
  readonly greaterOrEqual: string;
}

/** https://www.postgresql.org/docs/current/xindex.html#XINDEX-STRATEGIES (B-tree) */
const STRATEGIES = { less: 1, lessOrEqual: 2, greaterOrEqual: 4, greater: 5 } as const;

/** Of column `k` of an index, as `operator(schema.name)`. */
const operatorSql = (strategy: number) => `(
  select format('operator(%I.%s)', n.nspname, o.oprname)
  from pg_amop m join pg_operator o on o.oid = m.amopopr join pg_namespace n on n.oid = o.oprnamespace
  where m.amopfamily = f.opcfamily and m.amopstrategy = ${strategy}
    and m.amoplefttype = f.opcintype and m.amoprighttype = f.opcintype)`;

/** `KeyOperators` of each key column of the table `c`, as JSON in key order; NULL when no index has exactly this key. */
export function keyOperatorsSql({ keyColumns }: CapturedTable): string {
  const operators = Object.entries(STRATEGIES).map(([name, strategy]) => `'${name}', ${operatorSql(strategy)}`);
  const names = keyColumns.map((name) => pg.escapeLiteral(name)).join(', ');
  return `(
  select json_agg(json_build_object(${operators.join(', ')}) order by k.position)
  from unnest((
    select i.indclass::oid[] from pg_index i
    where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null
      and array[${names}]::name[] = (
        select array_agg(a.attname order by p.position)
        from unnest(i.indkey::int2[]) with ordinality as p(attnum, position)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = p.attnum
        where p.position <= i.indnkeyatts)
    order by i.indisprimary desc, i.indexrelid limit 1)) with ordinality as k(class, position)
  join pg_opclass f on f.oid = k.class)`;
}

/** ORDER BY of a chunk. */
export function orderSql(columns: readonly string[], operators: readonly KeyOperators[]): string {
  return columns.map((column, i) => `${column} using ${operators[i]?.less}`).join(', ');
}

/** Condition for the rows after a key. If one operator serves all columns, a row comparison, which uses the whole index. */
export function behindSql(
  columns: readonly string[],
  values: readonly string[],
  operators: readonly KeyOperators[],
): string {
  return besideSql(columns, values, operators, { strict: 'greater', orEqual: 'greaterOrEqual', last: 'greater' });
}

/** Condition for the rows up to a key, and its own. */
export function upToSql(
  columns: readonly string[],
  values: readonly string[],
  operators: readonly KeyOperators[],
): string {
  return besideSql(columns, values, operators, { strict: 'less', orEqual: 'lessOrEqual', last: 'lessOrEqual' });
}

interface Side {
  readonly strict: keyof KeyOperators;
  readonly orEqual: keyof KeyOperators;
  /** Of the last column. */
  readonly last: keyof KeyOperators;
}

function besideSql(
  columns: readonly string[],
  values: readonly string[],
  operators: readonly KeyOperators[],
  { strict, orEqual, last }: Side,
): string {
  const [first] = operators;
  if (operators.every((is) => is[last] === first?.[last])) {
    return `(${columns.join(', ')}) ${first?.[last]} (${values.join(', ')})`;
  }
  // Columns whose operators are in different schemas.
  const nested = columns.reduceRight<string>((rest, column, i) => {
    const is = operators[i] as KeyOperators;
    if (rest === '') return `${column} ${is[last]} ${values[i]}`;
    return `${column} ${is[orEqual]} ${values[i]} and (${column} ${is[strict]} ${values[i]} or ${rest})`;
  }, '');
  return `(${nested})`;
}
