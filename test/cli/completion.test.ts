import { afterEach, expect, test, vi } from 'vitest';
import { run } from '../../workers/cli/main.ts';
import { fakeTerminal } from './fake-terminal.ts';

afterEach(() => vi.restoreAllMocks());

/** What the command prints, which it does past the terminal. */
async function printed(...argv: string[]): Promise<readonly string[]> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  expect(await run(argv, fakeTerminal())).toBe(0);
  return log.mock.calls.map(([line]) => String(line));
}

test.each([
  [['sta'], ['status', 'start']],
  [['slot', 're'], ['recreate']],
  [['status', '--w'], ['--watch']],
  [['drop-'], ['drop-detached']],
])('%j is completed to %j', async (words, wanted) => {
  const lines = await printed('complete', '--', ...words);
  expect(lines.flatMap((line) => (line.startsWith(':') ? [] : [line.split('\t')[0]]))).toEqual(wanted);
});

test.each(['bash', 'zsh', 'fish'])('the script for %s asks walflow for completions', async (shell) => {
  expect((await printed('completion', shell)).join('\n')).toContain('walflow complete --');
});
