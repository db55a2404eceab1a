// What a command may use of the outside world: two streams, the environment, fetch, and the signal that ends it. Passed to
// every command, so that a test can run one without a process.

import { createLogUpdate } from 'log-update';

/** One line or block of text, without the final newline. */
type Print = (text: string) => void;

/** A block of lines at the end of the output that is redrawn in place. */
export interface Screen {
  draw(text: string): void;
  /** Prints above the block. */
  print(text: string): void;
  /** Leaves the block as it is; later output comes below. */
  done(): void;
}

export interface Terminal {
  readonly out: Print;
  readonly err: Print;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly fetch: typeof fetch;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Aborted, with the reason, by a failure that nobody caught; `signal` is too. */
  readonly broken: AbortSignal;
  /** Standard output is a terminal. */
  readonly live: boolean;
  /** Null unless live. */
  openScreen(): Screen | null;
  readonly colors: boolean;
  /** Columns. */
  readonly width: number;
}

/** Exit codes. `differs` and `failed` share a number: both mean "look at the output". */
export const EXIT = { done: 0, failed: 1, differs: 1, wrongUse: 2, couldNot: 2 } as const;
export type ExitCode = 0 | 1 | 2;

/** The terminal of this process. NO_COLOR (https://no-color.org) and FORCE_COLOR are respected. */
export function processTerminal(signal: AbortSignal, broken: AbortSignal = new AbortController().signal): Terminal {
  const { stdout, stderr, env } = process;
  const live = stdout.isTTY === true && env.TERM !== 'dumb';
  return {
    out: (text) => void stdout.write(`${text}\n`),
    err: (text) => void stderr.write(`${text}\n`),
    env,
    cwd: process.cwd(),
    fetch,
    signal,
    broken,
    live,
    openScreen: () => (live ? screenOn(stdout) : null),
    colors: !env.NO_COLOR && (live || (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0')),
    get width() {
      return stdout.columns ?? 80;
    },
  };
}

function screenOn(stdout: NodeJS.WriteStream): Screen {
  const update = createLogUpdate(stdout);
  return { draw: update, print: (text) => update.persist(text), done: () => update.done() };
}
