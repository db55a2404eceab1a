import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LargeChange } from '../../activities/wal/large-change.ts';

type Field = number | 'null' | 'unchanged';

function row(kind: string, fields: readonly Field[]): Buffer {
  const head = Buffer.alloc(3);
  head.write(kind, 'latin1');
  head.writeInt16BE(fields.length, 1);
  return Buffer.concat([head, ...fields.map(fieldBytes)]);
}

function fieldBytes(field: Field): Buffer {
  if (field === 'null') return Buffer.from('n');
  if (field === 'unchanged') return Buffer.from('u');
  const head = Buffer.alloc(5);
  head.write('t', 'latin1');
  head.writeInt32BE(field, 1);
  return Buffer.concat([head, Buffer.alloc(field, 0x74)]);
}

/** The content of a frame: XLogData, then a message about relation 70,000. */
function frame(tag: string, ...rows: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(30);
  head.write('w', 'latin1');
  head.write(tag, 25, 'latin1');
  head.writeUInt32BE(70_000, 26);
  return Buffer.concat([head, ...rows]);
}

function largestOf(bytes: Buffer, cuts: readonly number[]) {
  const change = new LargeChange();
  let at = 0;
  for (const size of [...cuts, bytes.length]) {
    const end = Math.min(bytes.length, at + size);
    if (end > at) change.push(bytes, at, end);
    at = end;
  }
  return change.largest;
}

const fields = fc.array(fc.oneof(fc.nat(300), fc.constantFrom<Field>('null', 'unchanged')), {
  minLength: 1,
  maxLength: 6,
});
const cuts = fc.array(fc.nat(80), { maxLength: 30 });

it('names relation, column and size of the largest value, however the change is cut', () => {
  fc.assert(
    fc.property(fields, fc.option(fields), cuts, (now, before, sizes) => {
      const rows = before === null ? [row('N', now)] : [row('O', before), row('N', now)];
      const values = [before ?? [], now].flatMap((list) =>
        list.flatMap((bytes, column) => (typeof bytes === 'number' ? [{ relationOid: 70_000, column, bytes }] : [])),
      );
      const first = values.reduce<(typeof values)[0] | null>((a, b) => (a === null || b.bytes > a.bytes ? b : a), null);
      expect(largestOf(frame(before === null ? 'I' : 'U', ...rows), sizes)).toEqual(first);
    }),
  );
});

it('finds no row in another message', () => {
  expect(largestOf(frame('M', Buffer.alloc(500, 0x74)), [100, 100])).toBeNull();
});
