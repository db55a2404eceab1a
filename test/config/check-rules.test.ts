import { describe, expect, test } from 'vitest';
import { resolveProject } from '../../workers/config/resolve.ts';
import type { Check } from '../../workflows/model/asset/check.ts';
import { acceptedValues, check, notNull, relationship, rowCount, unique } from '../../workflows/model/define.ts';
import { ORIGIN, project, refused } from './sample-project.ts';

const withChecks = (checks: unknown, more: object = {}) =>
  project({
    assets: [
      {
        key: 'analytics/revenue',
        deps: ['shop/public.orders'],
        sql: 'select 1 from {shop/public.orders}',
        checks,
        ...more,
      },
    ],
  });
const checksOf = (checks: unknown) => resolveProject(withChecks(checks), ORIGIN).graph.derived[0]?.checks;

describe('a check', () => {
  test('as a text is SQL that marks errors and blocks nothing', () => {
    expect(checksOf({ none: 'from {this} where n < 0' })).toEqual([
      {
        name: 'none',
        severity: 'error',
        blocking: false,
        rule: {
          kind: 'sql',
          parts: [{ tag: 'text', text: 'from ' }, { tag: 'this' }, { tag: 'text', text: ' where n < 0' }],
        },
      },
    ]);
  });

  test('of every kind is accepted, and reads the tables of its dependencies', () => {
    const resolved = checksOf({
      sql: check({ sql: 'from {new} anti join {shop/public.orders} using (id)', blocking: true }),
      filled: { ...notNull('id', 'total'), blocking: true },
      key: unique('id'),
      kind: acceptedValues('kind', ['a', 1, true]),
      known: { ...relationship('id', 'shop/public.orders', 'id'), severity: 'warn' },
      some: rowCount({ min: 1 }),
    });
    const place = { schema: 'public', name: 'orders' };
    expect(resolved?.map(({ name, severity, blocking }) => [name, severity, blocking])).toEqual([
      ['sql', 'error', true],
      ['filled', 'error', true],
      ['key', 'error', false],
      ['kind', 'error', false],
      ['known', 'warn', false],
      ['some', 'error', false],
    ]);
    expect(resolved?.[0]?.rule).toMatchObject({ parts: [{}, { tag: 'new' }, {}, { tag: 'input', place }, {}] });
    expect(resolved?.[4]?.rule).toEqual({ kind: 'relationship', column: 'id', to: place, toColumn: 'id' });
    expect(resolved?.[5]?.rule).toEqual({ kind: 'rowCount', min: 1 });
  });
});

describe('a check is refused when', () => {
  test.each<[string, Check | object, string, string]>([
    ['it misspells {this}', check({ sql: 'from {thsi}' }), '.sql reads {thsi}, which is', 'did you mean {this}?'],
    [
      'it reads what is not in deps',
      check({ sql: 'from {shop/public.order}' }),
      '.sql reads {shop/public.order}, which is neither {this} nor in deps',
      'did you mean {shop/public.orders}?',
    ],
    [
      'it reads what is about to be published, but does not block it',
      check({ sql: 'from {new}' }),
      '.sql reads {new}, but is not blocking',
      'read {this}, or set blocking: true',
    ],
    [
      'it blocks what it only warns of',
      { ...notNull('id'), blocking: true, severity: 'warn' },
      '.severity is blocking, but its severity is warn',
      'leave out one of the two',
    ],
    [
      'it looks into a table that is not in deps',
      relationship('id', 'shop/public.ordres', 'id'),
      '.to looks into shop/public.ordres, which is not in deps',
      'did you mean shop/public.orders?',
    ],
    [
      'it looks into a table like none of deps',
      relationship('id', 'crm/public.people', 'id'),
      '.to looks into crm/public.people, which is not in deps',
      "add dep('crm/public.people', { lookup: true }) to the asset's deps",
    ],
    ['its count has no bound', rowCount({}), ' has no bound', 'rowCount({ min: 1 })'],
    ['its bounds exclude each other', rowCount({ min: 2, max: 1 }), '.min must not be more than max', 'exchange them'],
    ['it names no column', unique(), '.columns must not be empty', ''],
    [
      'its severity is unknown',
      { kind: 'sql', sql: 'x', severity: 'fatal' },
      ".severity must be 'error' or 'warn'",
      '',
    ],
    ['its field is misspelt', { kind: 'sql', sql: 'x', blokcing: true }, '.blokcing is not a field', 'blocking?'],
    ['it was not made by a builder', { max: 1 }, '.kind must be SQL, or made with check', ''],
  ])('%s', (_, it, message, hint) => {
    const failure = refused(withChecks({ it }));
    expect(failure.message).toContain(`assets[0].checks.it${message}`);
    expect(failure.hint).toContain(hint);
  });

  test('its asset has a key that stands for rows in checks', () => {
    const failure = refused(withChecks({}, { key: 'this' }));
    expect(failure.message).toContain('assets[0].key is this, and {this} in a check stands for rows of its asset');
    expect(refused(withChecks({}, { key: 'analytics/checks' })).message).toContain('a word that the HTTP API uses');
  });
});
