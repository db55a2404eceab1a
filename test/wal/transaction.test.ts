import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PgoutputDecoder } from '../../activities/wal/pgoutput.ts';
import { tooLargeReason } from '../../activities/wal/row-limit.ts';
import { type ChangeOp, type ChangeSink, TransactionReader } from '../../activities/wal/transaction.ts';
import { type CapturedTable, type LoggedRelation, tableId } from '../../workflows/model/relation.ts';
import { NULL_LENGTH, type Tuple, UNCHANGED_LENGTH } from '../../workflows/model/tuple.ts';
import type { Field } from '../support/row.ts';
import { fieldsOf } from './event-log.ts';
import { splitMessages } from './golden/message-file.ts';

const UNCHANGED: Field = { unchanged: true };

/** Records what reaches the lake. */
class SinkLog implements ChangeSink {
  readonly calls: unknown[][] = [];
  /** How a table goes on that is described differently. */
  adopt: (table: CapturedTable, relation: LoggedRelation) => CapturedTable | null = () => null;

  /** Does a table end with its first unusable change? */
  ends = true;

  begin(_lsn: bigint, _time: number, xid: number): void {
    this.calls.push(['begin', xid]);
  }

  change(table: CapturedTable, op: ChangeOp, ordinal: number, moved: boolean, tuple: Tuple): void {
    this.calls.push([op, table.table, ordinal, ...(moved ? ['moved'] : []), fieldsOf(tuple)]);
  }

  truncate(table: CapturedTable, ordinal: number): void {
    this.calls.push(['truncate', table.table, ordinal]);
  }

  shapeChanged(table: CapturedTable, relation: LoggedRelation): CapturedTable | null {
    this.calls.push(['shapeChanged', table.table]);
    return this.adopt(table, relation);
  }

  unusable(table: CapturedTable, code: string): boolean {
    this.calls.push(['unusable', table.table, code]);
    return this.ends;
  }

  commit(): void {
    this.calls.push(['commit']);
  }
}

/** A tuple laid out as the decoder lays it out: texts inside one message. */
function tupleOf(buffer: Buffer, fields: readonly Field[]): Tuple {
  const tuple = { buffer, starts: new Int32Array(8), lengths: new Int32Array(8), count: fields.length };
  fields.forEach((field, i) => {
    if (typeof field === 'string') {
      const text = `|${field}|`;
      tuple.starts[i] = buffer.indexOf(text) + 1;
      tuple.lengths[i] = Buffer.byteLength(field);
    } else {
      tuple.lengths[i] = field === null ? NULL_LENGTH : UNCHANGED_LENGTH;
    }
  });
  return tuple;
}

function tuplesOf(...rows: (readonly Field[])[]): Tuple[] {
  const texts = rows.flat().filter((field) => typeof field === 'string');
  const buffer = Buffer.from(texts.map((text) => `|${text}|`).join(''));
  return rows.map((row) => tupleOf(buffer, row));
}

const column = (name: string) => ({ name, typeOid: 25, typeModifier: -1 });

const LAYOUT = { columnNumbers: [1, 2, 3], attributes: 'a1', storage: 's1' };
const DOCS: CapturedTable = {
  table: 'public.docs',
  schema: 'public',
  name: 'docs',
  oid: 1,
  mode: 'keyed',
  keyColumns: ['region', 'id'],
  columns: [column('id'), column('body'), column('region')],
  replicaIdentity: 'd',
};
const LOGS: CapturedTable = {
  ...DOCS,
  table: 'public.logs',
  name: 'logs',
  oid: 2,
  mode: 'append-only',
  keyColumns: [],
};

const relationOf = (table: CapturedTable, more: Partial<LoggedRelation> = {}): LoggedRelation => ({
  oid: table.oid,
  schema: table.schema,
  name: table.name,
  replicaIdentity: table.replicaIdentity,
  columns: table.columns,
  identityColumns: table.replicaIdentity === 'f' ? table.columns.map(({ name }) => name) : table.keyColumns,
  ...more,
});

/** A reader inside transaction 5 that knows `tables`; `describeAll` returns their relations. */
function readerOf(...tables: CapturedTable[]) {
  const sink = new SinkLog();
  const captured = new Map(tables.map((table) => [table.table, table]));
  const reader = new TransactionReader(
    (relation) => captured.get(tableId(relation.schema, relation.name)) ?? null,
    sink,
  );
  const relations = tables.map((table) => relationOf(table));
  for (const relation of relations) reader.relation(relation);
  reader.begin(100n, 0, 5);
  sink.calls.length = 0;
  return { sink, reader, relations: relations as [LoggedRelation, ...LoggedRelation[]] };
}

describe('ordinals', () => {
  it('count every recorded change of a transaction and begin again with the next', () => {
    const { sink, reader, relations } = readerOf(DOCS, LOGS);
    const [docs, logs] = relations as [LoggedRelation, LoggedRelation];
    const [row] = tuplesOf(['1', 'a', 'eu']) as [Tuple];
    reader.insert(docs, row);
    reader.insert(logs, row);
    reader.truncate([docs, logs]);
    reader.commit(100n, 120n, 0);
    reader.begin(120n, 0, 6);
    reader.insert(docs, row);
    expect(sink.calls).toEqual([
      ['i', 'public.docs', 0, ['1', 'a', 'eu']],
      ['i', 'public.logs', 1, ['1', 'a', 'eu']],
      ['truncate', 'public.docs', 2],
      ['truncate', 'public.logs', 3],
      ['commit'],
      ['begin', 6],
      ['i', 'public.docs', 0, ['1', 'a', 'eu']],
    ]);
  });

  it('are not used up by tables that are not captured', () => {
    const { sink, reader, relations } = readerOf(DOCS);
    const other = relationOf(LOGS);
    const [row] = tuplesOf(['1', 'a', 'eu']) as [Tuple];
    reader.relation(other);
    reader.insert(other, row);
    reader.update(other, row, null);
    reader.delete(other, row);
    reader.truncate([other, relations[0]]);
    expect(sink.calls).toEqual([['truncate', 'public.docs', 0]]);
  });
});

describe('updates', () => {
  it('that keep the key are one change', () => {
    const { sink, reader, relations } = readerOf(DOCS);
    const [row] = tuplesOf(['1', UNCHANGED, 'eu']) as [Tuple];
    reader.update(relations[0], row, null);
    expect(sink.calls).toEqual([['u', 'public.docs', 0, ['1', UNCHANGED, 'eu']]]);
  });

  it('that change any key column are the old key ended, then the new row moved', () => {
    const { sink, reader, relations } = readerOf(DOCS);
    const [row, old] = tuplesOf(['1', UNCHANGED, 'us'], ['1', null, 'eu']) as [Tuple, Tuple];
    reader.update(relations[0], row, old);
    expect(sink.calls).toEqual([
      ['d', 'public.docs', 0, ['1', null, 'eu']],
      ['u', 'public.docs', 1, 'moved', ['1', UNCHANGED, 'us']],
    ]);
  });

  it('with an old key equal to the new one did not move', () => {
    const { sink, reader, relations } = readerOf(DOCS);
    const [row, old] = tuplesOf(['1', 'b', 'eu'], ['1', null, 'eu']) as [Tuple, Tuple];
    reader.update(relations[0], row, old);
    expect(sink.calls).toEqual([['u', 'public.docs', 0, ['1', 'b', 'eu']]]);
  });

  it('take untouched values from a full old row', () => {
    const { sink, reader, relations } = readerOf({ ...DOCS, replicaIdentity: 'f' });
    const [row, old] = tuplesOf(['1', UNCHANGED, 'eu'], ['1', 'long text', 'eu']) as [Tuple, Tuple];
    reader.update(relations[0], row, old);
    expect(sink.calls).toEqual([['u', 'public.docs', 0, ['1', 'long text', 'eu']]]);
  });

  it('never take a NULL of the old tuple for an untouched value, whatever kind the tuple says it is', () => {
    const { sink, reader, relations } = readerOf({ ...DOCS, replicaIdentity: 'f' });
    const [row, old] = tuplesOf(['2', UNCHANGED, 'eu'], ['1', null, 'eu']) as [Tuple, Tuple];
    reader.update(relations[0], row, old);
    expect(sink.calls.at(-1)).toEqual(['u', 'public.docs', 1, 'moved', ['2', UNCHANGED, 'eu']]);
  });

  it('name an old row by its key alone when the identity is full', () => {
    const { sink, reader, relations } = readerOf({ ...DOCS, replicaIdentity: 'f' });
    const [row, old] = tuplesOf(['2', 'b', 'eu'], ['1', 'secret', 'eu']) as [Tuple, Tuple];
    reader.update(relations[0], row, old);
    expect(sink.calls[0]).toEqual(['d', 'public.docs', 0, ['1', null, 'eu']]);
  });

  it('take a key column stored out of line from the old key', () => {
    const { sink, reader, relations } = readerOf(DOCS);
    const [row, old] = tuplesOf([UNCHANGED, 'b', 'eu'], ['1', null, 'eu']) as [Tuple, Tuple];
    reader.update(relations[0], row, old);
    expect(sink.calls).toEqual([['u', 'public.docs', 0, ['1', 'b', 'eu']]]);
  });

  it('without their key end the table with a reason, once', () => {
    const { sink, reader, relations } = readerOf(DOCS);
    const [row, whole] = tuplesOf([UNCHANGED, 'b', 'eu'], ['1', 'b', 'eu']) as [Tuple, Tuple];
    reader.update(relations[0], row, null);
    reader.insert(relations[0], whole);
    reader.relation(relations[0]);
    reader.insert(relations[0], whole);
    expect(sink.calls).toEqual([['unusable', 'public.docs', 'KEY_NOT_IN_LOG']]);
  });

  it('without their key that nobody misses are left out, the table goes on', () => {
    const { sink, reader, relations } = readerOf(DOCS);
    sink.ends = false;
    const [row, whole] = tuplesOf([UNCHANGED, 'b', 'eu'], ['1', 'b', 'eu']) as [Tuple, Tuple];
    reader.update(relations[0], row, null);
    reader.insert(relations[0], whole);
    reader.relation(relations[0]);
    reader.insert(relations[0], whole);
    expect(sink.calls).toEqual([
      ['unusable', 'public.docs', 'KEY_NOT_IN_LOG'],
      ['i', 'public.docs', 0, ['1', 'b', 'eu']],
      ['i', 'public.docs', 1, ['1', 'b', 'eu']],
    ]);
  });

  it('whose old row lacks the key end the table', () => {
    const { sink, reader, relations } = readerOf(DOCS);
    const [row, old] = tuplesOf(['1', 'b', 'eu'], [null, 'x', 'eu']) as [Tuple, Tuple];
    reader.update(relations[0], row, old);
    expect(sink.calls).toEqual([['unusable', 'public.docs', 'KEY_NOT_IN_LOG']]);
  });
});

describe('a change too large to hold', () => {
  it('ends its table with a reason, once, and no other', () => {
    const { sink, reader, relations } = readerOf(DOCS, LOGS);
    const [docs, logs] = relations as [LoggedRelation, LoggedRelation];
    const [row] = tuplesOf(['1', 'b', 'eu']) as [Tuple];
    for (let times = 0; times < 2; times++) reader.tooLarge(docs, 1, 600_000_000);
    reader.insert(docs, row);
    reader.tooLarge({ ...docs, oid: 99 }, 1, 600_000_000);
    reader.insert(logs, row);
    expect(sink.calls).toEqual([
      ['unusable', 'public.docs', 'VALUE_TOO_LARGE'],
      ['i', 'public.logs', 0, ['1', 'b', 'eu']],
    ]);
    expect(tooLargeReason(DOCS, 1, 600_000_000)).toMatch(/^public\.docs\.body has a value of 600000000 bytes/);
  });
});

describe('deletes', () => {
  it('carry the key and nothing else', () => {
    const { sink, reader, relations } = readerOf(DOCS);
    const [old] = tuplesOf(['1', 'whole row', 'eu']) as [Tuple];
    reader.delete(relations[0], old);
    expect(sink.calls).toEqual([['d', 'public.docs', 0, ['1', null, 'eu']]]);
  });
});

describe('append-only tables', () => {
  it('end when an update or delete arrives after all', () => {
    for (const act of ['update', 'delete'] as const) {
      const { sink, reader, relations } = readerOf(LOGS);
      const [row] = tuplesOf(['1', 'a', 'eu']) as [Tuple];
      if (act === 'update') reader.update(relations[0], row, null);
      else reader.delete(relations[0], row);
      reader.insert(relations[0], row);
      expect(sink.calls).toEqual([['unusable', 'public.logs', 'APPEND_ONLY_CHANGED']]);
    }
  });
});

describe('relation messages', () => {
  const wider = relationOf(DOCS, { columns: [...DOCS.columns, column('more')] });

  it('of another shape: the changes are those of the table the sink goes on with, in its columns', () => {
    const { sink, reader, relations } = readerOf(DOCS);
    sink.adopt = (table, { columns }) => ({ ...table, columns });
    const [before, after] = tuplesOf(['1', 'a', 'eu'], ['1', 'a', 'eu', 'x']) as [Tuple, Tuple];
    reader.insert(relations[0], before);
    reader.relation(wider);
    reader.insert(wider, after);
    reader.update(wider, after, null);
    expect(sink.calls).toEqual([
      ['i', 'public.docs', 0, ['1', 'a', 'eu']],
      ['shapeChanged', 'public.docs'],
      ['i', 'public.docs', 1, ['1', 'a', 'eu', 'x']],
      ['u', 'public.docs', 2, ['1', 'a', 'eu', 'x']],
    ]);
  });

  it('of another shape that nobody goes on with: no change is reported, each one asks again', () => {
    const { sink, reader, relations } = readerOf(DOCS);
    const [row] = tuplesOf(['1', 'a', 'eu']) as [Tuple];
    reader.relation(wider);
    reader.insert(wider, row);
    reader.delete(wider, row);
    reader.relation(relations[0]);
    reader.insert(relations[0], row);
    expect(sink.calls).toEqual([
      ['shapeChanged', 'public.docs'],
      ['shapeChanged', 'public.docs'],
      ['i', 'public.docs', 0, ['1', 'a', 'eu']],
    ]);
  });

  it('without a change behind them change nothing', () => {
    const { sink, reader } = readerOf(DOCS);
    reader.relation(wider);
    expect(sink.calls).toEqual([]);
  });

  it('of a table that took another one\u2019s name count as another shape', () => {
    const { sink, reader } = readerOf(DOCS);
    const [row] = tuplesOf(['1', 'a', 'eu']) as [Tuple];
    const other = relationOf(DOCS, { oid: 77 });
    reader.relation(other);
    reader.insert(other, row);
    expect(sink.calls).toEqual([['shapeChanged', 'public.docs']]);
  });

  it('that name old rows by another key count as another shape, although the columns are the same', () => {
    const { sink, reader } = readerOf(DOCS);
    const [row] = tuplesOf(['1', 'a', 'eu']) as [Tuple];
    const other = relationOf(DOCS, { identityColumns: ['id', 'body'] });
    reader.relation(other);
    reader.update(other, row, null);
    expect(sink.calls).toEqual([['shapeChanged', 'public.docs']]);
  });

  it.each<[string, Partial<CapturedTable>, readonly string[]]>([
    ['another order', {}, ['id', 'region']],
    ['the identity full, which flags every column', { replicaIdentity: 'f' }, ['id', 'body', 'region']],
    ['a table captured append-only', { mode: 'append-only', keyColumns: [] }, ['id']],
    ['an index of a partitioned table', { replicaIdentity: 'i', layout: { ...LAYOUT, leaves: ['7'] } }, ['body']],
  ])('with %s fit', (_, change, identityColumns) => {
    const table = { ...DOCS, ...change };
    const { sink, reader } = readerOf(table);
    const [row] = tuplesOf(['1', 'a', 'eu']) as [Tuple];
    const again = relationOf(table, { identityColumns });
    reader.relation(again);
    reader.insert(again, row);
    expect(sink.calls).toEqual([['i', 'public.docs', 0, ['1', 'a', 'eu']]]);
  });

  it('of an ordinary table with another identity index do not fit', () => {
    const table: CapturedTable = { ...DOCS, replicaIdentity: 'i', layout: { ...LAYOUT, leaves: [] } };
    const { sink, reader } = readerOf(table);
    const [row] = tuplesOf(['1', 'a', 'eu']) as [Tuple];
    const other = relationOf(table, { identityColumns: ['body'] });
    reader.relation(other);
    reader.insert(other, row);
    expect(sink.calls).toEqual([['shapeChanged', 'public.docs']]);
  });

  it('that come again are counted: they are a sign of DDL', () => {
    const { reader, relations } = readerOf(DOCS);
    const before = reader.redescribed;
    reader.relation(relations[0]);
    expect(reader.redescribed).toBe(before + 1);
  });

  it('of the same shape change nothing', () => {
    const { sink, reader } = readerOf(DOCS);
    const again = relationOf(DOCS);
    const [row] = tuplesOf(['1', 'a', 'eu']) as [Tuple];
    reader.relation(again);
    reader.insert(again, row);
    expect(sink.calls).toEqual([['i', 'public.docs', 0, ['1', 'a', 'eu']]]);
  });
});

it('reads a capture of a real server: a moved row keeps its untouched value marked', () => {
  const sink = new SinkLog();
  const text = (name: string) => ({ name, typeOid: 25, typeModifier: -1 });
  const int = (name: string) => ({ name, typeOid: 23, typeModifier: -1 });
  const tableOf = (relation: LoggedRelation): CapturedTable => ({
    ...relation,
    table: tableId(relation.schema, relation.name),
    mode: 'keyed',
    keyColumns: ['id'],
    columns: [int('id'), text('body'), int('rev')],
  });
  const decoder = new PgoutputDecoder(new TransactionReader(tableOf, sink));
  const file = readFileSync(join(import.meta.dirname, 'golden', 'unchanged-toast.bin'));
  for (const message of splitMessages(file)) decoder.decode(message, 0, message.length);
  const changes = sink.calls.filter(([what]) => what !== 'begin' && what !== 'commit');
  expect(changes.slice(0, 3)).toEqual([
    ['u', 'g.docs', 0, ['1', UNCHANGED, '2']],
    ['d', 'g.docs', 0, ['1', null, null]],
    ['u', 'g.docs', 1, 'moved', ['7', UNCHANGED, '2']],
  ]);
  expect(changes[3]?.at(-1)).toEqual(['1', expect.stringMatching(/^c4ca4238a0b923820dcc509a6f75849b/), '2']);
});
