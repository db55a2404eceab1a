import { describe, expect, test } from 'vitest';
import { resolveProject } from '../../workers/config/resolve.ts';
import { columnsOf } from '../../workflows/model/asset/contract.ts';
import { acceptedValues, notNull } from '../../workflows/model/define.ts';
import { ORIGIN, project, refused } from './sample-project.ts';

const withColumns = (columns: unknown, more: object = {}) =>
  project({
    assets: [{ key: 'a/b', deps: ['shop/public.orders'], sql: 'from {shop/public.orders}', columns, ...more }],
  });

test('a column is a type, with what else is said of it', () => {
  const declared = {
    day: 'TIMESTAMP WITH TIME ZONE  NOT NULL',
    revenue: { type: 'DECIMAL(18, 2) not null', description: 'EUR' },
    tags: 'VARCHAR[]',
  };
  const [asset] = resolveProject(withColumns(declared, { onSchemaChange: 'fail' }), ORIGIN).graph.derived;
  expect(columnsOf(asset?.definition.columns ?? {})).toEqual([
    { name: 'day', type: 'TIMESTAMP WITH TIME ZONE', notNull: true },
    { name: 'revenue', type: 'DECIMAL(18, 2)', notNull: true, description: 'EUR' },
    { name: 'tags', type: 'VARCHAR[]', notNull: false },
  ]);
  expect(asset?.checks).toEqual([
    { name: 'columns', severity: 'error', blocking: true, rule: { kind: 'notNull', columns: ['day', 'revenue'] } },
  ]);
});

describe('columns are refused when', () => {
  const daily = { kind: 'daily', start: '2026-01-01', output: 'dya' };
  const byDay = { deps: [{ key: 'shop/public.orders', by: 'at' }], partitions: daily };
  test.each<[string, unknown, object, string, string]>([
    ['there are none', {}, {}, 'columns must name at least one column', ''],
    ['a type is none', { day: 'DATE; drop' }, {}, "columns.day.type must be a type like 'DATE'", ''],
    ['a type is missing', { day: { description: 'x' } }, {}, 'columns.day.type is missing', 'add'],
    ['one is there twice', { day: 'DATE', Day: 'DATE' }, {}, 'columns.Day is declared twice', 'name it once'],
    ['none is the partition', { day: 'DATE' }, byDay, 'partitions.output names column dya, which', 'did you mean day?'],
    [
      'a check looks at another',
      { id: 'INT' },
      { checks: { filled: notNull('id', 'totl') } },
      'checks.filled.columns[1] names column totl, which is not in columns',
      "add totl to the asset's columns",
    ],
    [
      'a check looks at values of another',
      { kind: 'INT' },
      { checks: { known: acceptedValues('kinds', [1]) } },
      'checks.known.column names column kinds',
      'did you mean kind?',
    ],
    [
      'a check has the name of theirs',
      { id: 'INT' },
      { checks: { columns: notNull('id') } },
      'checks.columns has the name of the check of `columns`',
      'choose another',
    ],
    [
      'a change of them is unknown',
      { id: 'INT' },
      { onSchemaChange: 'ignore' },
      "onSchemaChange must be 'fail' or",
      '',
    ],
  ])('%s', (_, columns, more, message, hint) => {
    const failure = refused(withColumns(columns, more));
    expect(failure.message).toContain(`assets[0].${message}`);
    expect(failure.hint).toContain(hint);
  });
});
