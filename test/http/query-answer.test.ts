import { expect, test } from 'vitest';
import type { QueryResult } from '../../activities/warehouse/query.ts';
import { QueryAnswers } from '../../workers/http/query-answer.ts';

const { signal } = new AbortController();
const answer = (rows: QueryResult['rows']): QueryResult => ({ columns: [{ name: 'a "b"', type: 'VARCHAR' }], rows });
const LARGE = answer(Array.from({ length: 5_000 }, (_, i) => [i, 'x'.repeat(100)]));
/** Room for one large answer, not for two. */
const ROOM = 800_000;

test('an answer is the JSON of the result, whatever it contains', async () => {
  const answers = new QueryAnswers();
  for (const rows of [[], [[null]], [['é"\n\u2028'], [1.5]], [[{ a: [true, '�'] }]]] as const) {
    const text = await new Response(await answers.body(answer(rows), signal)).text();
    expect(JSON.parse(text)).toEqual(answer(rows));
  }
});

test('a large answer comes in pieces, and others have their turn while it is made', async () => {
  let turns = 0;
  let making = true;
  const count = () => {
    turns += 1;
    if (making) setImmediate(count);
  };
  setImmediate(count);
  const body = await new QueryAnswers().body(LARGE, signal);
  making = false;
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  expect(JSON.parse(Buffer.concat(pieces).toString())).toEqual(LARGE);
  expect(pieces.length).toBeGreaterThan(5);
  expect(turns).toBeGreaterThanOrEqual(pieces.length - 1);
});

test.each([
  ['is read', async (body: ReadableStream, _gone: AbortController) => void (await new Response(body).text())],
  ['is cancelled', async (body: ReadableStream) => await body.cancel()],
  ['has no client any more', async (_body: ReadableStream, gone: AbortController) => gone.abort()],
])('an answer that is not read keeps others out, until it %s', async (_, end) => {
  const answers = new QueryAnswers(ROOM);
  const gone = new AbortController();
  const first = await answers.body(LARGE, gone.signal);
  await expect(answers.body(LARGE, signal)).rejects.toMatchObject({ code: 'QUERY_BUSY' });
  await end(first, gone);
  const second = await answers.body(LARGE, signal);
  expect(JSON.parse(await new Response(second).text())).toEqual(LARGE);
  // Nothing is counted twice: there is room for one, and only for one.
  await answers.body(LARGE, signal);
  await expect(answers.body(LARGE, signal)).rejects.toMatchObject({ code: 'QUERY_BUSY' });
});

test('an answer for a client that is gone already takes no room', async () => {
  const answers = new QueryAnswers(ROOM);
  const dropped = await answers.body(LARGE, AbortSignal.abort(new Error('gone')));
  await expect(new Response(dropped).text()).rejects.toThrow('gone');
  expect(await new Response(await answers.body(LARGE, signal)).text()).toContain('rows');
});
