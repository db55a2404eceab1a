import { describe, expect, test } from 'vitest';
import { ChangeFileEncoder } from '../../activities/lake/change-file.ts';
import { type Field, rowOf, UNCHANGED } from '../support/row.ts';
import { capturedTable, numericModifier, OID } from './captured-table.ts';
import { parquetReader } from './parquet-reader.ts';
import { appendText } from './text-row.ts';

const reader = parquetReader();
const LSN = 0x16_b374_d848n;
const TIME_US = 1_768_000_000_123_456;

async function roundTrip(typeOid: number, values: readonly (string | null)[], typeModifier = -1, sql = 'v') {
  const encoder = new ChangeFileEncoder(
    capturedTable([
      ['id', OID.int4],
      ['v', typeOid, typeModifier],
    ]),
  );
  encoder.beginTransaction(LSN, TIME_US, 7);
  values.forEach((value, i) => {
    appendText(encoder, i, [String(i), value]);
  });
  const { bytes } = await encoder.finish();
  const rows = await reader.query(bytes, `select ${sql} as v, typeof(v) as t from $file order by _ordinal`);
  return { values: rows.map((row) => row.v ?? null), type: rows[0]?.t };
}

describe('every kind comes back by value', () => {
  /** Kind, values as PostgreSQL prints them, DuckDB's type, and what DuckDB prints where that differs. */
  const CASES: readonly [string, number, number, string, readonly string[], (readonly string[])?][] = [
    ['smallint', OID.int2, -1, 'SMALLINT', ['-32768', '0', '32767']],
    ['integer', OID.int4, -1, 'INTEGER', ['-2147483648', '-1', '0', '2147483647']],
    [
      'bigint',
      OID.int8,
      -1,
      'BIGINT',
      [
        '-9223372036854775808',
        '-1000000000000000',
        '-999999999999999',
        '0',
        '1234567890123456789',
        '9223372036854775807',
      ],
    ],
    ['boolean', OID.bool, -1, 'BOOLEAN', ['t', 'f', 't'], ['true', 'false', 'true']],
    [
      'real',
      OID.float4,
      -1,
      'FLOAT',
      ['0.1', '-0', '1e-45', '3.4028235e+38', 'NaN', 'Infinity', '-Infinity'],
      ['0.1', '-0.0', '1e-45', '3.4028235e+38', 'nan', 'inf', '-inf'],
    ],
    [
      'double precision',
      OID.float8,
      -1,
      'DOUBLE',
      ['0.1', '-0', '5e-324', '1e-320', '1.7976931348623157e+308', 'NaN', 'Infinity', '-Infinity'],
      ['0.1', '-0.0', '5e-324', '1e-320', '1.7976931348623157e+308', 'nan', 'inf', '-inf'],
    ],
    [
      'numeric(9,4)',
      OID.numeric,
      numericModifier(9, 4),
      'DECIMAL(9,4)',
      ['-99999.9999', '0.0001', '0.0000', '12345.6789', '1'],
      ['-99999.9999', '0.0001', '0.0000', '12345.6789', '1.0000'],
    ],
    [
      'numeric(18,4)',
      OID.numeric,
      numericModifier(18, 4),
      'DECIMAL(18,4)',
      ['-99999999999999.9999', '-0.0001', '99999999999999.9999', '123456789012.5000'],
    ],
    [
      'numeric(38,10)',
      OID.numeric,
      numericModifier(38, 10),
      'DECIMAL(38,10)',
      ['-9999999999999999999999999999.9999999999', '-0.0000000001', '1234567890123456789012345678.0123456789'],
    ],
    [
      'numeric(38,0)',
      OID.numeric,
      numericModifier(38, 0),
      'DECIMAL(38,0)',
      ['99999999999999999999999999999999999999', '-7'],
    ],
    ['unconstrained numeric', OID.numeric, -1, 'VARCHAR', ['NaN', `${'9'.repeat(60)}.${'1'.repeat(30)}`]],
    ['text', OID.text, -1, 'VARCHAR', ['', 'é\n\r\t"\\N\u2028', '\u{1F600}', 'x'.repeat(100_000)]],
    ['jsonb', OID.jsonb, -1, 'JSON', ['null', '{"a": 1e400, "b": 12345678901234567890}', '"null"']],
    ['json', OID.json, -1, 'JSON', [' { "a" :1 , "a":2}', '"\\ud83d\\ude00 \\\\ud800"']],
    ['json with a lone surrogate', OID.json, -1, 'VARCHAR', ['"\\ud800"', '{"\\udc00": "\\ud800\\ud800"}', '1']],
    [
      'date',
      OID.date,
      -1,
      'DATE',
      ['1970-01-01', '1969-12-31', '2000-02-29', '0001-01-01', '9999-12-31', '12026-03-01'],
    ],
    [
      'date before our era',
      OID.date,
      -1,
      'DATE',
      ['0001-12-31 BC', '4713-01-01 BC', '0005-02-29 BC'],
      ['0001-12-31 (BC)', '4713-01-01 (BC)', '0005-02-29 (BC)'],
    ],
    ['time', OID.time, -1, 'TIME', ['00:00:00', '23:59:59.999999', '24:00:00', '12:34:56.7']],
    [
      'timestamp',
      OID.timestamp,
      -1,
      'TIMESTAMP',
      [
        '1970-01-01 00:00:00',
        '1969-12-31 23:59:59.999999',
        '0001-01-01 00:00:00',
        '2255-06-05 23:47:34.740993',
        '294247-01-10 04:00:54.775806',
        'infinity',
        '-infinity',
      ],
    ],
    [
      'timestamp before our era',
      OID.timestamp,
      -1,
      'TIMESTAMP',
      ['4714-11-24 00:00:00 BC', '0044-03-15 12:00:00.000001 BC'],
      ['4714-11-24 (BC) 00:00:00', '0044-03-15 (BC) 12:00:00.000001'],
    ],
    [
      'timestamptz',
      OID.timestamptz,
      -1,
      'TIMESTAMP WITH TIME ZONE',
      ['2026-01-31 23:59:59.123456+00', '10000-01-01 00:00:00+00', '1600-02-29 00:00:00+00', 'infinity', '-infinity'],
    ],
    ['uuid', OID.uuid, -1, 'UUID', ['00000000-0000-0000-0000-000000000000', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']],
  ];

  test.each(CASES)('%s', async (_, typeOid, modifier, type, values, printed) => {
    const back = await roundTrip(typeOid, [...values, null], modifier);
    expect(back).toEqual({ type, values: [...(printed ?? values), null] });
  });

  test('bytea is the bytes, not their text', async () => {
    const values = ['\\x', '\\xdeadbeef', '\\x00ff', `\\x${'ab'.repeat(5000)}`];
    const back = await roundTrip(OID.bytea, values, -1, "'\\x' || lower(hex(v))");
    expect(back.values).toEqual(values);
    expect(back.type).toBe('BLOB');
  });

  test('infinite dates are what DuckDB itself calls infinite', async () => {
    const back = await roundTrip(
      OID.date,
      ['infinity', '-infinity', '2026-01-01'],
      -1,
      "(v = 'infinity'::date)::int - (v = '-infinity'::date)::int",
    );
    expect(back.values).toEqual(['1', '-1', '0']);
  });
});

describe('rows and their positions', () => {
  const TABLE = capturedTable([
    ['id', OID.int8],
    ['doc', OID.text],
    ['_op', OID.text],
    ['_walflow_x', OID.bool],
  ]);

  test('carry operation, position, what the log left out, and moves', async () => {
    const encoder = new ChangeFileEncoder(TABLE);
    const append = (op: 'i' | 'u' | 'd', ordinal: number, moved: boolean, doc: Field, rest: Field = null) =>
      encoder.append(op, ordinal, moved, rowOf(['12', doc, rest, null]));
    encoder.beginTransaction(LSN, TIME_US, 7);
    append('i', 0, false, 'hello');
    append('d', 1, false, null);
    append('u', 2, true, UNCHANGED, UNCHANGED);
    encoder.beginTransaction(LSN + 8n, TIME_US - 1, 4_294_967_295);
    append('u', 0, false, UNCHANGED);
    append('u', 4, false, null);
    const file = await encoder.finish();
    const rows = await reader.query(file.bytes, 'select * from $file');
    expect(rows.map((row) => Object.values(row).join('|'))).toEqual([
      'i|97500059720|0|2026-01-09 23:06:40.123456+00|7||false|12|hello||',
      'd|97500059720|1|2026-01-09 23:06:40.123456+00|7||false|12|||',
      'u|97500059720|2|2026-01-09 23:06:40.123456+00|7|[doc, _op]|true|12|||',
      'u|97500059728|0|2026-01-09 23:06:40.123455+00|4294967295|[doc]|false|12|||',
      'u|97500059728|4|2026-01-09 23:06:40.123455+00|4294967295||false|12|||',
    ]);
    expect(Object.keys(rows[0] ?? {}).slice(7)).toEqual(['id', 'doc', '_walflow_src__op', '_walflow_src__walflow_x']);
    expect(file).toMatchObject({
      rows: 5,
      inserts: 1,
      updates: 3,
      deletes: 1,
      moved: 1,
      unchangedColumns: ['doc', '_op'],
    });
    expect(file).toMatchObject({
      minCommitLsn: LSN,
      maxCommitLsn: LSN + 8n,
      minCommitTimeUs: TIME_US - 1,
      maxCommitTimeUs: TIME_US,
    });
  });

  test('lists of what the log left out stay with their rows, over many rows', async () => {
    const encoder = new ChangeFileEncoder(TABLE);
    encoder.beginTransaction(LSN, TIME_US, 7);
    for (let i = 0; i < 10_001; i++) {
      const rest = [3, 5, 7].map((divisor) => (i % divisor === 0 ? UNCHANGED : null));
      encoder.append('u', i, i % 11 === 0, rowOf([String(i), ...rest]));
    }
    const { bytes, unchangedColumns, moved } = await encoder.finish();
    const wanted = `list_filter([case when id % 3 = 0 then 'doc' end, case when id % 5 = 0 then '_op' end,
      case when id % 7 = 0 then '_walflow_x' end], lambda name: name is not null)`;
    const check = `select count(*) as n, count(*) filter (_unchanged is null and len(${wanted}) > 0
        or _unchanged is not null and _unchanged <> ${wanted}) as wrong_lists,
      count(*) filter (_moved <> (id % 11 = 0)) as wrong_moves, count(*) filter (id <> _ordinal) as wrong_ids from $file`;
    expect(await reader.query(bytes, check)).toEqual([
      { n: '10001', wrong_lists: '0', wrong_moves: '0', wrong_ids: '0' },
    ]);
    expect({ unchangedColumns, moved }).toEqual({ unchangedColumns: ['doc', '_op', '_walflow_x'], moved: 910 });
  });

  test('a page large enough to be compressed by another thread comes back whole', async () => {
    const encoder = new ChangeFileEncoder(TABLE);
    encoder.beginTransaction(LSN, TIME_US, 7);
    for (let i = 0; i < 60; i++) appendText(encoder, i, [String(i), `${i}.`.repeat(50_000), null, null]);
    const { bytes } = await encoder.finish();
    const wrong = "select count(*) as n, count(*) filter (doc <> repeat(id || '.', 50000)) as wrong from $file";
    expect(await reader.query(bytes, wrong)).toEqual([{ n: '60', wrong: '0' }]);
  });

  test('a file without rows opens, with all its columns', async () => {
    const file = await new ChangeFileEncoder(TABLE).finish();
    expect(await reader.query(file.bytes, 'select count(*) as n, count(_op) + count(doc) as c from $file')).toEqual([
      { n: '0', c: '0' },
    ]);
    expect(file).toMatchObject({ rows: 0, minCommitLsn: 0n, maxCommitLsn: 0n });
  });

  test('one row is a file', async () => {
    const encoder = new ChangeFileEncoder(TABLE);
    encoder.beginTransaction(LSN, TIME_US, 7);
    appendText(encoder, 0, ['1', null, null, 't']);
    const { bytes } = await encoder.finish();
    expect(await reader.query(bytes, 'select _op, id, doc, _walflow_src__walflow_x as x from $file')).toEqual([
      { _op: 'r', id: '1', doc: null, x: 'true' },
    ]);
  });

  test('100,000 rows in transactions of every length come back in order, NULLs in their places', async () => {
    const encoder = new ChangeFileEncoder(TABLE);
    const rows = 100_000;
    let ordinal = 0;
    for (let i = 0, next = 0, length = 1; i < rows; i++) {
      if (i === next) {
        encoder.beginTransaction(LSN + BigInt(i), TIME_US + i, i);
        ordinal = 0;
        next += length++;
      }
      appendText(encoder, ordinal++, [String(i), i % 3 === 0 ? null : `row ${i}`, null, i % 7 === 0 ? 't' : 'f']);
    }
    const { bytes } = await encoder.finish();
    const check = `select count(*) as n, count(doc) as docs, min(id) as low, max(id) as high,
      count(*) filter ((doc is null) <> (id % 3 = 0) or (doc is not null and doc <> 'row ' || id)) as wrong_docs,
      count(*) filter (_walflow_src__walflow_x <> (id % 7 = 0)) as wrong_flags,
      count(*) filter (_commit_lsn - ${LSN} + _ordinal <> id) as wrong_positions,
      count(*) filter (_xid + _ordinal <> id or _unchanged is not null or _moved) as wrong_rest,
      count(*) filter (epoch_us(_commit_time) <> ${TIME_US} + _xid) as wrong_times from $file`;
    expect(await reader.query(bytes, check)).toEqual([
      {
        n: '100000',
        docs: '66666',
        low: '0',
        high: '99999',
        wrong_docs: '0',
        wrong_flags: '0',
        wrong_positions: '0',
        wrong_rest: '0',
        wrong_times: '0',
      },
    ]);
  });

  test('an encoder writes the same file again after reset, whatever it held before', async () => {
    const encoder = new ChangeFileEncoder(TABLE);
    const write = async () => {
      encoder.beginTransaction(LSN, TIME_US, 7);
      for (let i = 0; i < 20; i++) appendText(encoder, i, [String(i), i % 2 ? 'x' : null, 'y', 'f']);
      const { sha256 } = await encoder.finish();
      encoder.reset();
      return sha256;
    };
    const first = await write();
    encoder.beginTransaction(LSN, TIME_US, 8);
    for (let i = 0; i < 5000; i++) appendText(encoder, i, [null, null, null, null]);
    encoder.append('u', 9, true, rowOf([null, UNCHANGED, UNCHANGED, null]));
    await encoder.finish();
    encoder.reset();
    expect(await write()).toBe(first);
  });
});

describe('statistics', () => {
  const KEYS: readonly [string, number, number, readonly string[], string, string][] = [
    ['int2', OID.int2, -1, ['5', '-3', '200'], '-3', '200'],
    ['int4', OID.int4, -1, ['-70000', '3', '-2147483648'], '-2147483648', '3'],
    ['int8', OID.int8, -1, ['4294967296', '-1', '-4294967297', '7'], '-4294967297', '4294967296'],
    ['decimal(10,2)', OID.numeric, numericModifier(10, 2), ['-1.50', '10.00', '9.99'], '-1.50', '10.00'],
    ['decimal(30,2)', OID.numeric, numericModifier(30, 2), ['-1.50', '10.00', '-200.00'], '-200.00', '10.00'],
    ['date', OID.date, -1, ['2026-01-02', '1969-12-31'], '1969-12-31', '2026-01-02'],
    ['text', OID.text, -1, ['b', 'ab', 'é', 'a'], 'a', 'é'],
  ];
  const minMax = `select stats_min_value as low, stats_max_value as high, stats_null_count as nulls
    from parquet_metadata($file) where path_in_schema = 'k'`;

  test.each(KEYS)('of a %s key bound its values', async (_, typeOid, modifier, values, low, high) => {
    const { bytes } = await encodeKeys(typeOid, modifier, [...values, null]);
    expect(await reader.query(bytes, minMax)).toEqual([{ low, high, nulls: '1' }]);
  });

  test.each(KEYS)('of a %s key hide no row from a filter', async (_, typeOid, modifier, values) => {
    const { bytes } = await encodeKeys(typeOid, modifier, values);
    for (const value of values) {
      expect(await reader.query(bytes, `select k from $file where k = '${value}'`)).toEqual([{ k: value }]);
    }
  });

  test('of uuids order them by their bytes', async () => {
    const values = [
      'ffffffff-0000-0000-0000-000000000000',
      '00000000-0000-0000-0000-000000000001',
      '80000000-0000-0000-0000-000000000000',
    ];
    const { bytes } = await encodeKeys(OID.uuid, -1, values);
    for (const value of values) {
      expect(await reader.query(bytes, `select k from $file where k >= '${value}' and k <= '${value}'`)).toEqual([
        { k: value },
      ]);
    }
  });

  test('are left out for long texts and floats, and for columns outside the key', async () => {
    for (const [typeOid, value] of [
      [OID.text, 'x'.repeat(65)],
      [OID.float8, 'NaN'],
    ] as const) {
      const { bytes } = await encodeKeys(typeOid, -1, [value]);
      expect(await reader.query(bytes, minMax)).toEqual([{ low: null, high: null, nulls: '0' }]);
    }
    const encoder = new ChangeFileEncoder(capturedTable([['k', OID.int4]], []));
    encoder.beginTransaction(LSN, TIME_US, 7);
    appendText(encoder, 0, ['1']);
    expect(await reader.query((await encoder.finish()).bytes, minMax)).toEqual([{ low: null, high: null, nulls: '0' }]);
  });

  test('of _commit_lsn let a reader skip files', async () => {
    const { bytes } = await encodeKeys(OID.int4, -1, ['1']);
    const sql =
      "select stats_min_value as low, stats_max_value as high from parquet_metadata($file) where path_in_schema = '_commit_lsn'";
    expect(await reader.query(bytes, sql)).toEqual([{ low: String(LSN), high: String(LSN) }]);
  });

  async function encodeKeys(typeOid: number, modifier: number, values: readonly (string | null)[]) {
    const encoder = new ChangeFileEncoder(capturedTable([['k', typeOid, modifier]]));
    encoder.beginTransaction(LSN, TIME_US, 7);
    values.forEach((value, i) => {
      appendText(encoder, i, [value]);
    });
    return await encoder.finish();
  }
});
