import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FrameCutter } from '../../activities/wal/frames.ts';
import { ReplicationFrames } from '../../activities/wal/replication-frame.ts';

type Seen = readonly unknown[];

function message(type: string, content: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeUInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

function xlogData(lsn: bigint, content: Buffer): Buffer {
  const head = Buffer.alloc(25);
  head.write('w', 'latin1');
  head.writeBigUInt64BE(lsn, 1);
  return message('d', Buffer.concat([head, content]));
}

function keepalive(lsn: bigint, reply: boolean): Buffer {
  const body = Buffer.alloc(18);
  body.write('k', 'latin1');
  body.writeBigUInt64BE(lsn, 1);
  body[17] = reply ? 1 : 0;
  return message('d', body);
}

/** Everything the frames said of `chunks`, with the position received by then. */
function seenOf(chunks: readonly Buffer[], maxFrameBytes = 2 ** 30): Seen[] {
  const seen: Seen[] = [];
  const received = new ReplicationFrames({
    message: (buffer, start, end) => seen.push(['message', buffer.toString('hex', start, end), received.receivedLsn]),
    keepalive: (walEnd, reply) => seen.push(['keepalive', walEnd, reply]),
  });
  let large = '';
  const frames = new FrameCutter(
    {
      frame: (buffer, start, end) => received.take(buffer, start, end),
      piece: (buffer, start, end) => {
        large += buffer.toString('hex', start, end);
      },
      endOfLarge: () => {
        seen.push(['large', large]);
        large = '';
      },
      other: (bytes) => seen.push(['other', bytes.toString('hex')]),
    },
    maxFrameBytes,
  );
  for (const chunk of chunks) {
    // As the socket does: the next read overwrites the chunk.
    const reused = Buffer.from(chunk);
    frames.push(reused);
    reused.fill(0xff);
  }
  return seen;
}

/** The bytes of `all` in pieces of these sizes, the rest at the end. */
function cutUp(all: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(all.subarray(at, at + size));
    at = Math.min(all.length, at + size);
  }
  return [...chunks, all.subarray(at)];
}

const lsn = fc.bigInt(0n, 2n ** 64n - 1n);
const content = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const sent = fc.oneof(
  fc.tuple(lsn, content).map(([at, bytes]) => ({
    bytes: xlogData(at, bytes),
    seen: ['message', bytes.toString('hex'), at],
  })),
  fc.tuple(lsn, fc.boolean()).map(([at, reply]) => ({ bytes: keepalive(at, reply), seen: ['keepalive', at, reply] })),
  fc.tuple(fc.constantFrom('E', 'N', 'c', 'Z', 'S', 'W'), content).map(([type, bytes]) => {
    const whole = message(type, bytes);
    return { bytes: whole, seen: ['other', whole.toString('hex')] };
  }),
);

it('sees the same messages, wherever the network cuts them', () => {
  fc.assert(
    fc.property(fc.array(sent, { maxLength: 12 }), fc.array(fc.nat(400), { maxLength: 40 }), (messages, cuts) => {
      const all = Buffer.concat(messages.map(({ bytes }) => bytes));
      expect(seenOf(cutUp(all, cuts))).toEqual(messages.map(({ seen }) => seen));
    }),
  );
});

it('passes a frame that is too large on in pieces, and holds every smaller one, wherever the network cuts them', () => {
  const limit = 120;
  fc.assert(
    fc.property(fc.array(sent, { maxLength: 12 }), fc.array(fc.nat(400), { maxLength: 40 }), (messages, cuts) => {
      const all = Buffer.concat(messages.map(({ bytes }) => bytes));
      const expected = messages.map(({ bytes, seen }) =>
        bytes[0] === 0x64 && bytes.length - 5 > limit ? ['large', bytes.toString('hex', 5)] : seen,
      );
      expect(seenOf(cutUp(all, cuts), limit)).toEqual(expected);
    }),
  );
});

it('sees them byte by byte', () => {
  const all = Buffer.concat([xlogData(7n, Buffer.from('row')), keepalive(9n, true), message('c', Buffer.alloc(0))]);
  expect(seenOf([...all].map((byte) => Buffer.from([byte])))).toEqual([
    ['message', '726f77', 7n],
    ['keepalive', 9n, true],
    ['other', '6300000004'],
  ]);
});

it('puts a large message together once, however many pieces it comes in', () => {
  const large = xlogData(1n, Buffer.alloc(1 << 20, 0x61));
  const pieces = Array.from({ length: 64 }, (_, i) =>
    large.subarray((i * large.length) / 64, ((i + 1) * large.length) / 64),
  );
  const [[, hex] = []] = seenOf(pieces);
  expect(hex).toBe('61'.repeat(1 << 20));
});

it.each([
  ['a length below its own four bytes', Buffer.from([0x64, 0, 0, 0, 3])],
  ['a copy message of another kind', message('d', Buffer.from('?'))],
  ['a copy message without content', message('d', Buffer.alloc(0))],
  ['XLogData that ends in its header', message('d', Buffer.from('w123'))],
])('refuses %s', (_, bytes) => {
  expect(() => seenOf([bytes])).toThrow(/the server sent/);
});
