import { expect, test } from 'vitest';
import { takeInTurn } from '../../activities/snapshot/in-turn.ts';
import { type ErrorCode, WalflowError } from '../../workflows/model/errors.ts';
import type { PendingSnapshot } from '../../workflows/model/run.ts';

const TABLES = ['public.a', 'public.b', 'public.c'].map((table) => ({ table, id: '00000001-aa' }));
const NEVER = new AbortController().signal;

/** Takes snapshots of two rows each; some tables fail. */
function taking(failing: Readonly<Record<string, ErrorCode>>) {
  const asked: string[] = [];
  const take = async ({ table }: PendingSnapshot) => {
    asked.push(table);
    const code = failing[table];
    if (code !== undefined) throw new WalflowError(code, `${table} failed`);
    return { tag: 'copied' as const, rows: 2, chunks: 1 };
  };
  return { asked, take };
}

test('all tables of a group are taken, and counted together', async () => {
  expect(await takeInTurn(TABLES, NEVER, taking({}).take)).toEqual({ tag: 'copied', rows: 6, chunks: 3 });
});

test('a table that fails holds up no other one; its failure is that of the run', async () => {
  const { asked, take } = taking({ 'public.a': 'SOURCE_PERMISSION_DENIED', 'public.b': 'TABLE_SHAPE_CHANGED' });
  await expect(takeInTurn(TABLES, NEVER, take)).rejects.toMatchObject({ code: 'SOURCE_PERMISSION_DENIED' });
  expect(asked).toEqual(['public.a', 'public.b', 'public.c']);
});

test.each(['SOURCE_UNREACHABLE', 'LAKE_UNREACHABLE', 'SNAPSHOT_WAITS'] as const)(
  'after %s the others are not tried: they would wait for the same',
  async (code) => {
    const { asked, take } = taking({ 'public.b': code });
    await expect(takeInTurn(TABLES, NEVER, take)).rejects.toMatchObject({ code });
    expect(asked).toEqual(['public.a', 'public.b']);
  },
);

test('a run that is cancelled takes no other table', async () => {
  const { asked, take } = taking({ 'public.a': 'SOURCE_PERMISSION_DENIED' });
  await expect(takeInTurn(TABLES, AbortSignal.abort(), take)).rejects.toMatchObject({ message: 'public.a failed' });
  expect(asked).toEqual(['public.a']);
});
