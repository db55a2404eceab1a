import fc from 'fast-check';
import { expect, test } from 'vitest';
import { forbiddenPart as forbidden } from '../../../activities/warehouse/duckdb/query-guard.ts';

const forbiddenPart = (tree: unknown) => forbidden(tree, () => false);
const file = { type: 'BASE_TABLE', table_name: 'x.parquet', schema_name: '' };

test('a file is found wherever it stands in the tree', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom('left', 'node', 'cte_map'), fc.nat({ max: 3 })), { maxLength: 50 }),
      (path) => {
        const tree = path.reduce<unknown>(
          (inner, step) => (typeof step === 'number' ? [...Array(step).fill(1), inner] : { [step]: inner }),
          file,
        );
        expect(forbiddenPart(tree)).toContain('"x.parquet" looks like a file');
      },
    ),
  );
});

test('a tree deeper than the call stack is walked to its end', () => {
  let tree: unknown = file;
  for (let depth = 0; depth < 100_000; depth += 1) tree = { child: tree };
  expect(forbiddenPart(tree)).not.toBeNull();
});

test('a table function nobody has looked at is refused whatever its case', () => {
  const call = (name: string) => ({ type: 'TABLE_FUNCTION', function: { function_name: name } });
  expect(forbiddenPart(call('RANGE'))).toBeNull();
  expect(forbiddenPart(call('read_anything'))).toBe('table function read_anything');
  expect(forbiddenPart(call(''))).not.toBeNull();
  expect(forbiddenPart({ type: 'TABLE_FUNCTION' })).not.toBeNull();
});

test('names with dots and values that look like files are no files', () => {
  expect(forbiddenPart({ type: 'BASE_TABLE', table_name: 'v1.orders', schema_name: 'public' })).toBeNull();
  expect(forbiddenPart({ type: 'VALUE_CONSTANT', value: { value: '/etc/passwd' } })).toBeNull();
  expect(forbiddenPart(null)).toBeNull();
});
