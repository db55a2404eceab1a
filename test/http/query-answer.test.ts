import { expect, test } from 'vitest';
import type { QueryResult } from '../../activities/warehouse/query.ts';
import { queryAnswer } from '../../workers/http/query-answer.ts';

const answer = (rows: QueryResult['rows']): QueryResult => ({ columns: [{ name: 'a "b"', type: 'VARCHAR' }], rows });
const textOf = (result: QueryResult) => new Response(queryAnswer(result)).text();

test('the answer is the JSON of the result, whatever it contains', async () => {
  for (const rows of [[], [[null]], [['é"\n\u2028'], [1.5]], [[{ a: [true, '�'] }]]] as const) {
    expect(JSON.parse(await textOf(answer(rows)))).toEqual(answer(rows));
  }
});

test('a large answer comes in pieces, and others have their turn in between', async () => {
  const large = answer(Array.from({ length: 5_000 }, (_, i) => [i, 'x'.repeat(100)]));
  let turns = 0;
  let pieces = 0;
  let reading = true;
  const count = () => {
    turns += 1;
    if (reading) setImmediate(count);
  };
  setImmediate(count);
  let text = '';
  for await (const piece of queryAnswer(large)) {
    pieces += 1;
    text += Buffer.from(piece).toString();
  }
  reading = false;
  expect(JSON.parse(text)).toEqual(large);
  expect(pieces).toBeGreaterThan(5);
  expect(turns).toBeGreaterThanOrEqual(pieces);
});

test('nothing more is made once the client is gone', async () => {
  let made = 0;
  const rows = Array.from({ length: 5_000 }, () => ({
    toJSON: () => {
      made += 1;
      return 'x'.repeat(1_000);
    },
  })) as unknown as QueryResult['rows'];
  const reader = queryAnswer(answer(rows)).getReader();
  await reader.read();
  await reader.cancel();
  expect(made).toBeLessThan(200);
});
