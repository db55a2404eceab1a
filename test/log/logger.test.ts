import { describe, expect, test } from 'vitest';
import { createLog } from '../../workers/log/logger.ts';
import { maskSecrets } from '../../workers/log/secrets.ts';

function logged(format: 'json' | 'pretty', write: (log: ReturnType<typeof createLog>) => void): string {
  let text = '';
  const out = {
    write: (line: string) => {
      text += line;
    },
  };
  write(createLog({ level: 'info', format, role: 'ingest', out }));
  return text;
}

describe('secrets', () => {
  test.each([
    ['postgres://ann:s3cret@db:5432/x', 'postgres://ann:***@db:5432/x'],
    ['at postgresql://ann:p@ss:w/rd@db/x now', 'at postgresql://ann:***@db/x now'],
    ['https://:token@host/', 'https://:***@host/'],
    ['{"url":"postgres://a:q\\"u@h/d","by":"x@y"}', '{"url":"postgres://a:***@h/d","by":"x@y"}'],
    ['host=db password=hunter2 user=ann', 'host=db password=*** user=ann'],
    ['Authorization: Bearer abc.def', 'Authorization: Bearer ***'],
    ['{"token":"abc"}', '{"token":"***"}'],
  ])('%s is masked', (text, masked) => expect(maskSecrets(text)).toBe(masked));

  test.each([
    'http://127.0.0.1:4400/api',
    's3://bucket/raw/cdc',
    'ann@example.org',
    '0/16B3748',
    'temporal 127.0.0.1:7233',
  ])('%s stays as it is', (text) => expect(maskSecrets(text)).toBe(text));
});

describe('log', () => {
  test('a line is one JSON object with level, time, role and context', () => {
    const line = logged('json', (log) => log.child({ pipeline: 'shop' }).info({ seq: 12 }, 'manifest landed'));
    expect(JSON.parse(line)).toMatchObject({
      level: 'info',
      role: 'ingest',
      pipeline: 'shop',
      seq: 12,
      msg: 'manifest landed',
    });
    expect(line.endsWith('}\n')).toBe(true);
  });

  test('secrets do not pass, not even in the stack of an error', () => {
    const failure = new Error('cannot reach postgres://ann:s3cret@db/x');
    for (const format of ['json', 'pretty'] as const) {
      expect(logged(format, (log) => log.error({ err: failure }, 'no source'))).not.toContain('s3cret');
    }
  });

  test('text for people is one line, and nothing logged can forge another', () => {
    const line = logged('pretty', (log) => log.warn({ pipeline: 'shop', why: 'a b' }, 'first\nsecond\u001b[2J'));
    expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}ingest {4}first second \[2J pipeline=shop why="a b"\n$/);
  });
});
