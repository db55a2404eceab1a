// Can a value that this query computes be much larger than those it reads? DuckDB computes 2,048 values at a time, does not
// count their memory, and cannot be interrupted meanwhile: 2,048 times `repeat('x', 10000000)` are 20 GB. Such queries run
// apart, on copies of their tables, so what ordinary queries do to texts must not count as growth.

import type { TableName } from '../../../../workflows/model/relation.ts';
import type { QueryValue } from '../../query.ts';

/** Functions that return as much as they were given, or less. */
const KEEPING: ReadonlySet<string> = new Set([
  ...['+', '-', '&', '|', '~', '<<', '>>', 'xor', 'sum', 'date_part', 'datepart', 'date_add', 'fdiv', 'fmod'],
  ...['min', 'max', 'first', 'last', 'any_value', 'arg_min', 'arg_max', 'min_by', 'max_by', 'arbitrary'],
  ...['lag', 'lead', 'first_value', 'last_value', 'nth_value', 'nullif', 'ifnull', 'greatest', 'least'],
  ...['lower', 'upper', 'lcase', 'ucase', 'trim', 'ltrim', 'rtrim', 'left', 'right', 'substring', 'substr', 'reverse'],
  ...[
    'split_part',
    'regexp_extract',
    'translate',
    'chr',
    'encode',
    'decode',
    'mode',
    'strftime',
    'dayname',
    'monthname',
    'md5',
    'sha1',
    'sha256',
    'typeof',
    'unnest',
    'struct_extract',
  ],
  ...['json_extract', 'json_extract_string', 'json_extract_path', 'json_extract_path_text', 'json_type', '->', '->>'],
  ...['list_extract', 'list_element', 'array_extract', 'map_extract_value', 'element_at', 'current_schema', 'version'],
]);

/** As large as all that they are given together: each at most doubles the largest value. */
const JOINING: ReadonlySet<string> = new Set([
  ...['||', 'concat', 'concat_ws', 'list_value', 'struct_pack', 'row', 'hex', 'base64', 'to_base64'],
]);
/** Their third argument stands for each match, also for each empty one between two letters. */
const REPLACING: ReadonlySet<string> = new Set(['replace', 'regexp_replace']);
/** More could double a value over and over. */
const MOST_JOINS = 5;
/** So much text in the query itself is joined at most. */
const MOST_CONSTANTS = 1_000;
const LONGEST_REPLACEMENT = 2;

/** As large as all their group's values together, one after the other: there is time to interrupt them. */
const COLLECTING: ReadonlySet<string> = new Set(['list', 'array_agg', 'string_agg', 'group_concat', 'listagg']);

/** They return a number, and on the way keep every value they saw, or a table of all pairs of two texts' letters. */
const HOARDING: ReadonlySet<string> = new Set([
  ...['mad', 'entropy', 'quantile_cont', 'levenshtein', 'editdist3', 'damerau_levenshtein', 'jaccard'],
]);

/** Table functions whose rows are small and come a chunk at a time. */
const ROWS_ONLY = /^(range|generate_series|unnest|duckdb_\w+|pragma_\w+|pg_timezone_names)$/;

const FIXED_TYPE =
  /^(BOOLEAN|U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL(\(.*\))?|DATE|TIME.*|INTERVAL|UUID)$/;
/** Casts to these are about as large as what is cast. */
const KEEPING_TYPE = /^(VARCHAR|JSON|BLOB)$/;

/** What a query names, besides columns. */
export interface QueryParts {
  /** Some value may be larger than what it is made of. */
  readonly mayGrow: boolean;
  /** As the query writes them; the schema is empty if it gives none. Names of CTEs too. */
  readonly tables: readonly TableName[];
  /** It asks which tables there are. */
  readonly readsCatalog: boolean;
}

/** SELECT: `name` of each function that returns only values of a fixed size. */
export const FIXED_SIZE_FUNCTIONS = `select function_name as name from duckdb_functions()
  where function_type in ('scalar', 'aggregate') group by function_name
  having bool_and(coalesce(regexp_full_match(return_type, '${FIXED_TYPE.source.slice(1, -1)}'), false))`;

/**
 * @param fixedSize names of functions that return only values of a fixed size
 * @param parameters are as good as text in the query
 */
export function queryParts(
  tree: unknown,
  fixedSize: ReadonlySet<string>,
  parameters: readonly QueryValue[],
): QueryParts {
  const tables: TableName[] = [];
  const growth = new Growth(fixedSize, parameters);
  let readsCatalog = false;
  // An explicit stack: a query may be nested deeper than JavaScript's call stack.
  const open: unknown[] = [tree];
  while (open.length > 0) {
    const node = open.pop();
    if (typeof node !== 'object' || node === null) continue;
    growth.see(node);
    readsCatalog ||= asksForTables(node);
    if (textOf(node, 'type') === 'BASE_TABLE') {
      tables.push({ schema: textOf(node, 'schema_name'), name: textOf(node, 'table_name') });
    }
    open.push(...childrenOf(node));
  }
  return { mayGrow: growth.isPossible, tables, readsCatalog };
}

/** A table function's own name stands in a node like that of a function that returns a value. */
function childrenOf(node: object): readonly unknown[] {
  const called = textOf(node, 'type') === 'TABLE_FUNCTION' ? fieldOf(node, 'function') : null;
  if (typeof called !== 'object' || called === null) return Object.values(node);
  const rest = Object.entries(node).flatMap(([name, value]) => (name === 'function' ? [] : [value]));
  return [...rest, fieldOf(called, 'children')];
}

/** Counts what makes values larger. */
class Growth {
  readonly #fixedSize: ReadonlySet<string>;
  #unbounded = false;
  #joins = 0;
  #collects = 0;
  #constants = 0;

  constructor(fixedSize: ReadonlySet<string>, parameters: readonly QueryValue[]) {
    this.#fixedSize = fixedSize;
    for (const value of parameters) if (typeof value === 'string') this.#constants += value.length;
  }

  get isPossible(): boolean {
    if (this.#unbounded || this.#joins > MOST_JOINS) return true;
    // What was collected and is then joined doubles at once.
    return this.#joins > 0 ? this.#collects > 0 || this.#constants > MOST_CONSTANTS : this.#collects > 1;
  }

  see(node: object): void {
    switch (textOf(node, 'type')) {
      case 'TABLE_FUNCTION':
        this.#unbounded ||= !ROWS_ONLY.test(tableFunctionOf(node));
        return;
      case 'PIVOT':
      case 'RECURSIVE_CTE_NODE':
        this.#unbounded = true;
        return;
      case 'OPERATOR_CAST':
        this.#unbounded ||= !isSmallType(fieldOf(node, 'cast_type'));
        return;
      case 'VALUE_CONSTANT':
        this.#constants += constantOf(node).length;
        return;
    }
    const name = textOf(node, 'function_name').toLowerCase();
    if (name === '') return;
    if (JOINING.has(name) || (REPLACING.has(name) && isShortReplacement(node))) this.#joins += 1;
    else if (COLLECTING.has(name)) this.#collects += 1;
    else this.#unbounded ||= HOARDING.has(name) || !(this.#fixedSize.has(name) || KEEPING.has(name));
  }
}

function isShortReplacement(node: object): boolean {
  const given = fieldOf(node, 'children');
  const replacement: unknown = Array.isArray(given) ? given[2] : undefined;
  if (typeof replacement !== 'object' || replacement === null) return false;
  return textOf(replacement, 'type') === 'VALUE_CONSTANT' && constantOf(replacement).length <= LONGEST_REPLACEMENT;
}

/** The text of a constant. */
function constantOf(node: object): string {
  const value = fieldOf(node, 'value');
  return typeof value === 'object' && value !== null ? textOf(value, 'value') : '';
}

function isSmallType(type: unknown): boolean {
  if (typeof type !== 'object' || type === null) return false;
  const info = fieldOf(type, 'type_info');
  const unbound = textOf(type, 'id') === 'UNBOUND' && typeof info === 'object' && info !== null;
  const name = (unbound ? textOf(info, 'name') : textOf(type, 'id')).toUpperCase();
  return FIXED_TYPE.test(name) || KEEPING_TYPE.test(name);
}

function asksForTables(node: object): boolean {
  switch (textOf(node, 'type')) {
    case 'SHOW_REF':
      return true;
    case 'TABLE_FUNCTION':
      return /^(duckdb|pragma)_/.test(tableFunctionOf(node));
    case 'BASE_TABLE':
      return (
        /^(information_schema|pg_catalog)$/i.test(textOf(node, 'schema_name')) ||
        /^(duckdb|pragma|pg|sqlite)_/i.test(textOf(node, 'table_name'))
      );
    default:
      return false;
  }
}

function tableFunctionOf(node: object): string {
  const called = fieldOf(node, 'function');
  return typeof called === 'object' && called !== null ? textOf(called, 'function_name').toLowerCase() : '';
}

const fieldOf = (node: object, name: string): unknown => (node as Readonly<Record<string, unknown>>)[name];
const textOf = (node: object, name: string): string => {
  const value = fieldOf(node, name);
  return typeof value === 'string' ? value : '';
};
