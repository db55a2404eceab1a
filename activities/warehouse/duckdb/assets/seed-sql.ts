// The rows of a seed: a file of the repository, read with every option set that could take a value from its path or leave out
// a row. Types that are not given are found in the whole file, not in its first rows.

import type { LoadedSeed } from '../../../../workflows/model/asset/definition.ts';
import { filePattern, NOTHING_FROM_PATHS } from '../file-sql.ts';
import { literal, quoted } from '../identifier.ts';

/** A SELECT. */
export function seedSelect({ path, format, columns = {}, delimiter }: LoadedSeed): string {
  const file = literal(filePattern(path));
  const types = Object.entries(columns);
  switch (format) {
    case 'csv': {
      const given = types.map(([name, type]) => `${literal(name)}: ${literal(type)}`).join(', ');
      return `select * from read_csv(${file}, ${NOTHING_FROM_PATHS}, ${types.length === 0 ? '' : `types = {${given}},`}
        header = true, delim = ${literal(delimiter)}, quote = '"', escape = '"', comment = '', skip = 0, nullstr = '',
        allow_quoted_nulls = false, null_padding = false, ignore_errors = false, strict_mode = true, sample_size = -1,
        normalize_names = false, encoding = 'utf-8', compression = 'none')`;
    }
    case 'parquet':
      return `select ${castStar(types)} from read_parquet(${file}, ${NOTHING_FROM_PATHS}, union_by_name = false,
        file_row_number = false, binary_as_string = false)`;
    case 'json': {
      const found = `read_json(${file}, ${NOTHING_FROM_PATHS}, union_by_name = false, ignore_errors = false,
        sample_size = -1, compression = 'uncompressed')`;
      if (types.length === 0) return `from ${found}`;
      // ⚠ Of given types the text of the file is cast: what detection makes of "12:30" is a time, and 12:30:00 as text.
      return `select found.* replace (${types.map(jsonColumn).join(', ')}) from ${found} found
        positional join read_json_objects(${file}, ${NOTHING_FROM_PATHS}, ignore_errors = false, format = 'auto',
          compression = 'uncompressed') text`;
    }
  }
}

/** Values in values are JSON; others are their text. */
function jsonColumn([name, type]: readonly [string, string]): string {
  const path = literal(`$."${name.replace(/["\\]/g, '\\$&')}"`);
  const arrow = /[[\]]|^(struct|map|json)\b/i.test(type) ? '->' : '->>';
  return `(text.json ${arrow} ${path})::${type} as ${quoted(name)}`;
}

function castStar(types: readonly (readonly [string, string])[]): string {
  if (types.length === 0) return '*';
  return `* replace (${types.map(([name, type]) => `${quoted(name)}::${type} as ${quoted(name)}`).join(', ')})`;
}
