// How to read files: every option is set that could take a value from a path, guess a type, or leave out a row. DuckDB's
// defaults are for analysts: a folder `country=de` anywhere above a file would give all its rows that country.

import { literal } from './identifier.ts';

/** A path as a pattern that matches only this file: DuckDB takes names for patterns. */
export function filePattern(path: string): string {
  return path.replace(/[*?[]/g, (character) => `[${character}]`);
}

export const NOTHING_FROM_PATHS = 'hive_partitioning = false, hive_types_autocast = false, filename = false';

/** FROM item: the rows of files with the same columns; a file that lacks one fails. */
export function parquetSql(paths: readonly string[]): string {
  const files = paths.map((path) => literal(filePattern(path))).join(', ');
  return `read_parquet([${files}], ${NOTHING_FROM_PATHS}, union_by_name = false, file_row_number = false,
    binary_as_string = false)`;
}

/** The types of columns that vary between files, by path. */
export type FileTypes = ReadonlyMap<string, string>;

/** SELECT: `path` and `types` of each file, over the named columns. */
export function fileTypesSql(paths: readonly string[], columns: readonly string[]): string {
  const files = paths.map((path) => literal(filePattern(path))).join(', ');
  return `select file_name as path, string_agg(coalesce(converted_type, 'none'), ' ' order by name) as types
  from parquet_schema([${files}]) where name in (${columns.map(literal).join(', ')}) group by file_name`;
}

/** Groups files whose columns have the same types: in one scan the types of the first file would apply to all. */
export function alikeFiles(paths: readonly string[], types: FileTypes): readonly (readonly string[])[] {
  return [...Map.groupBy(paths, (path) => types.get(path)).values()];
}

/**
 * FROM item: a CSV file of texts without a header; NULL is empty, an empty text is quoted.
 * @param bufferBytes no line may be longer
 */
export function csvSql(path: string, columns: readonly string[], bufferBytes: number): string {
  const texts = columns.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  return `read_csv(${literal(filePattern(path))}, columns = {${texts}}, ${NOTHING_FROM_PATHS},
    auto_detect = false, header = false, skip = 0, delim = ',', quote = '"', escape = '"', comment = '',
    nullstr = '', allow_quoted_nulls = false, null_padding = false, ignore_errors = false, strict_mode = true,
    encoding = 'utf-8', compression = 'none', max_line_size = ${bufferBytes}, buffer_size = ${bufferBytes})`;
}
