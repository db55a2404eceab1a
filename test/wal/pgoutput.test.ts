import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PgoutputDecoder } from '../../activities/wal/pgoutput.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { EventLog } from './event-log.ts';
import { joinMessages, splitMessages } from './golden/message-file.ts';

const GOLDEN = join(import.meta.dirname, 'golden');
const names = readdirSync(GOLDEN).flatMap((file) => (file.endsWith('.bin') ? [file.slice(0, -4)] : []));
const messagesOf = (name: string) => splitMessages(readFileSync(join(GOLDEN, `${name}.bin`)));

function decodeAll(messages: readonly Buffer[]): EventLog {
  const log = new EventLog();
  const decoder = new PgoutputDecoder(log);
  for (const message of messages) decoder.decode(message, 0, message.length);
  return log;
}

/** Messages whose content is of no interest: Type, Origin, Message. */
const isIgnored = (message: Buffer) => 'YOM'.includes(message.toString('latin1', 0, 1));

/** Decodes until the first failure, which it returns. */
function failureOf(messages: readonly Buffer[]): unknown {
  try {
    decodeAll(messages);
    return null;
  } catch (failure) {
    return failure;
  }
}

describe('golden captures', () => {
  it('finds the captured files', () => {
    expect(names.length).toBeGreaterThanOrEqual(9);
  });

  it.each(names)('decodes %s as written down', (name) => {
    const expected = JSON.parse(readFileSync(join(GOLDEN, `${name}.json`), 'utf8'));
    expect(JSON.parse(JSON.stringify(decodeAll(messagesOf(name)).events))).toEqual(expected);
  });

  it.each(names)('decodes %s the same from the middle of a larger buffer', (name) => {
    const messages = messagesOf(name);
    const log = new EventLog();
    const decoder = new PgoutputDecoder(log);
    const all = Buffer.concat([Buffer.from('before'), ...messages, Buffer.from('after')]);
    let at = 'before'.length;
    for (const message of messages) {
      decoder.decode(all, at, at + message.length);
      at += message.length;
    }
    expect(log.events).toEqual(decodeAll(messages).events);
  });
});

describe('damaged bytes', () => {
  const captured = names.map((name) => joinMessages(messagesOf(name)));
  const damage = fc.record({
    file: fc.nat({ max: names.length - 1 }),
    flips: fc.array(fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }) }), { minLength: 1, maxLength: 4 }),
  });

  it('end in a typed error or decode to something, never in a crash', () => {
    fc.assert(
      fc.property(damage, ({ file, flips }) => {
        const messages = splitMessages(captured[file] ?? Buffer.alloc(0)).map((message) => Buffer.from(message));
        for (const { at, byte } of flips) {
          const message = messages[at % messages.length] ?? Buffer.alloc(1);
          message[at % message.length] = byte;
        }
        const failure = failureOf(messages);
        if (failure !== null) expect(failure).toMatchObject({ code: 'PGOUTPUT_MALFORMED' });
      }),
      { numRuns: 3000 },
    );
  });

  it('of any kind end in a typed error or decode to something', () => {
    const tag = fc.constantFrom(...'BCDIORTUYM'.split('').map((letter) => letter.charCodeAt(0)), 0, 255);
    fc.assert(
      fc.property(tag, fc.uint8Array({ maxLength: 80 }), (first, rest) => {
        const failure = failureOf([Buffer.from([first, ...rest])]);
        if (failure !== null) expect(failure).toMatchObject({ code: 'PGOUTPUT_MALFORMED' });
      }),
      { numRuns: 3000 },
    );
  });

  it.each(names)('of %s, cut at every byte, never pass unnoticed', (name) => {
    const messages = messagesOf(name);
    messages.forEach((message, i) => {
      if (isIgnored(message)) return;
      for (let length = 0; length < Math.min(message.length, 200); length++) {
        const failure = failureOf([...messages.slice(0, i), message.subarray(0, length)]);
        expect(failure, `message ${i} cut to ${length} bytes`).toMatchObject({ code: 'PGOUTPUT_MALFORMED' });
      }
    });
  });

  it.each(names)('of %s are refused when a byte is added', (name) => {
    const messages = messagesOf(name);
    messages.forEach((message, i) => {
      if (isIgnored(message)) return;
      const longer = Buffer.concat([message, Buffer.from([0])]);
      expect(failureOf([...messages.slice(0, i), longer])).toMatchObject({ code: 'PGOUTPUT_MALFORMED' });
    });
  });

  it('do not make a field reach into the next message', () => {
    const [begin, relation, insert] = messagesOf('insert-update-delete');
    if (!begin || !relation || !insert) throw new Error('the capture is not as expected');
    const cut = insert.length - 3;
    const decoder = new PgoutputDecoder(new EventLog());
    decoder.decode(begin, 0, begin.length);
    decoder.decode(relation, 0, relation.length);
    expect(() => decoder.decode(Buffer.concat([insert, insert]), 0, cut)).toThrow(WalflowError);
  });

  it('never show a value in the message', () => {
    const messages = messagesOf('insert-update-delete');
    for (const message of messages) {
      const failure = failureOf([...messages.slice(0, 2), Buffer.concat([message, Buffer.from('x')])]);
      expect(String(failure)).not.toMatch(/Ada|Zürich/);
    }
  });
});

describe('messages that carry no change', () => {
  it.each([
    ['Type', Buffer.from('Y\0\0\0\x10public\0mood\0')],
    ['Origin', Buffer.from('O\0\0\0\0\0\0\0\x01elsewhere\0')],
    ['Message', Buffer.from('M\0\0\0\0\0\0\0\0\x01prefix\0\0\0\0\x01x')],
  ])('%s is accepted and ignored', (_, message) => {
    expect(decodeAll([message]).events).toEqual([]);
  });

  it('of an unknown type fail', () => {
    expect(failureOf([Buffer.from('Z')])).toMatchObject({ code: 'PGOUTPUT_MALFORMED' });
  });
});

describe('order of messages', () => {
  const [begin, relation, insert] = messagesOf('insert-update-delete') as [Buffer, Buffer, Buffer];

  it('refuses a change outside a transaction', () => {
    expect(failureOf([relation, insert])).toMatchObject({ code: 'PGOUTPUT_MALFORMED' });
  });

  it('refuses a change of a relation that was never described', () => {
    expect(failureOf([begin, insert])).toMatchObject({ code: 'PGOUTPUT_MALFORMED' });
  });

  it('refuses a transaction inside a transaction', () => {
    expect(failureOf([begin, begin])).toMatchObject({ code: 'PGOUTPUT_MALFORMED' });
  });

  it('passes on what the handler throws', () => {
    const decoder = new PgoutputDecoder({
      ...new EventLog(),
      begin: () => {
        throw new TypeError('of the handler');
      },
    } as unknown as EventLog);
    expect(() => decoder.decode(begin, 0, begin.length)).toThrow(TypeError);
  });
});
