import { expect, test } from 'vitest';
import { ChangeFileEncoder } from '../../activities/lake/change-file.ts';
import { freshDatabase, withClient } from '../support/database.ts';
import { capturedTable, numericModifier, OID } from './captured-table.ts';
import { parquetReader } from './parquet-reader.ts';
import { appendText } from './text-row.ts';

// PostgreSQL itself says what a value is, by its binary form and its arithmetic; the file is judged against that.

const database = freshDatabase();
const reader = parquetReader();

const SESSION = `set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set bytea_output = 'hex'; set extra_float_digits = 1;
  select setseed(0.4711);`;

interface Source {
  readonly typeOid: number;
  readonly typeModifier?: number;
  /** Rows of one column `v`. */
  readonly values: string;
  /** PostgreSQL's account of `v`, as text. */
  readonly fact: string;
  /** DuckDB's account of the same. */
  readonly readBack: string;
}

const rows = (expression: string) => `select ${expression} as v from generate_series(1, 3000) as n`;

const SOURCES: Readonly<Record<string, Source>> = {
  'timestamps from 4713 BC to 294246': {
    typeOid: OID.timestamp,
    values: rows(
      `timestamp '4713-01-02 BC' + (random() * 298957) * interval '365 days' + n * interval '1 microsecond'`,
    ),
    fact: '(extract(epoch from v) * 1000000)::numeric(30, 0)::text',
    readBack: 'epoch_us(v)',
  },
  'timestamps with a zone': {
    typeOid: OID.timestamptz,
    values: rows(`timestamptz '1900-01-01 00:00:00+05:30' + random() * interval '73000 days'`),
    fact: '(extract(epoch from v) * 1000000)::numeric(30, 0)::text',
    readBack: 'epoch_us(v)',
  },
  'dates from 4713 BC to 5874897': {
    typeOid: OID.date,
    values: rows(`date '4713-01-01 BC' + (random() * 2147460000)::int`),
    fact: `(v - date '1970-01-01')::text`,
    readBack: `(v - date '1970-01-01')`,
  },
  'times of day': {
    typeOid: OID.time,
    values: rows(`time '00:00' + random() * interval '24 hours'`),
    fact: '(extract(epoch from v) * 1000000)::numeric(30, 0)::text',
    readBack: 'epoch_us(v)',
  },
  'decimals of 38 digits': {
    typeOid: OID.numeric,
    typeModifier: numericModifier(38, 12),
    values: rows(`((random() - 0.5)::numeric * 10::numeric ^ (random() * 25)::int)::numeric(38, 12)`),
    fact: 'v::text',
    readBack: 'v',
  },
  'decimals of 18 digits': {
    typeOid: OID.numeric,
    typeModifier: numericModifier(18, 6),
    values: rows(`((random() - 0.5)::numeric * 10::numeric ^ (random() * 12)::int)::numeric(18, 6)`),
    fact: 'v::text',
    readBack: 'v',
  },
  bytea: {
    typeOid: OID.bytea,
    values: rows(`decode(repeat(md5(n::text), n % 5), 'hex')`),
    fact: `encode(v, 'hex')`,
    readBack: 'lower(hex(v))',
  },
  uuids: { typeOid: OID.uuid, values: rows('md5(n::text)::uuid'), fact: 'v::text', readBack: 'v' },
};

test.each(Object.entries(SOURCES))('%s are in the file what they are in PostgreSQL', async (_, source) => {
  const { texts, facts } = await readSource(source);
  expect(await readFile(source, texts)).toEqual(facts);
});

test('floats have the same bits as in PostgreSQL', async () => {
  const float4: Source = {
    typeOid: OID.float4,
    // Numbers of any size, and the one that rounding twice would get wrong.
    values: `${rows('((random() - 0.5) * 10 ^ (random() * 70 - 35))::float4')} union all select float4 '7.038531e-26'`,
    fact: `encode(float4send(v), 'hex')`,
    readBack: 'v::double',
  };
  const float8: Source = {
    typeOid: OID.float8,
    values: rows('(random() - 0.5) * 10 ^ (random() * 600 - 300)'),
    fact: `encode(float8send(v), 'hex')`,
    readBack: 'v',
  };
  const bits = (text: string | null, size: 4 | 8) => {
    const bytes = Buffer.alloc(size);
    if (size === 4) bytes.writeFloatBE(Number(text));
    else bytes.writeDoubleBE(Number(text));
    return bytes.toString('hex');
  };
  for (const [source, size] of [
    [float4, 4],
    [float8, 8],
  ] as const) {
    const { texts, facts } = await readSource(source);
    expect((await readFile(source, texts)).map((text) => bits(text, size))).toEqual(facts);
  }
});

async function readSource({ values, fact }: Source): Promise<{ texts: string[]; facts: string[] }> {
  return await withClient(database.url, async (client) => {
    await client.query(SESSION);
    const { rows: read } = await client.query<{ v: string; fact: string }>(
      `select v::text as v, ${fact} as fact from (${values}) as source`,
    );
    expect(read.length).toBeGreaterThanOrEqual(3000);
    return { texts: read.map((row) => row.v), facts: read.map((row) => row.fact) };
  });
}

async function readFile(source: Source, texts: readonly string[]): Promise<(string | null)[]> {
  const encoder = new ChangeFileEncoder(capturedTable([['v', source.typeOid, source.typeModifier ?? -1]]));
  encoder.beginTransaction(1n, 0, 1);
  texts.forEach((text, i) => {
    appendText(encoder, i, [text]);
  });
  const { bytes } = await encoder.finish();
  const back = await reader.query(bytes, `select ${source.readBack} as v from $file order by _ordinal`);
  return back.map((row) => row.v ?? null);
}
