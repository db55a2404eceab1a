// A terminal that remembers what was printed, and an API that answers from a table of paths.

import type { Terminal } from '../../workers/cli/terminal.ts';

interface FakeTerminal extends Terminal {
  readonly printed: string[];
  readonly complaints: string[];
  readonly requests: {
    method: string;
    path: string;
    query: string;
    body: unknown;
    authorization: string | null;
  }[];
}

/** JSON value, or `[status, JSON value]` for a failure, by path. */
type Answers = Readonly<Record<string, unknown>>;

export function fakeTerminal(options: Partial<Terminal> & { answers?: Answers } = {}): FakeTerminal {
  const printed: string[] = [];
  const complaints: string[] = [];
  const requests: FakeTerminal['requests'] = [];
  const answer = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const { pathname, search } = new URL(String(input));
    const headers = new Headers(init.headers);
    const body: unknown = init.body == null ? null : JSON.parse(String(init.body));
    requests.push({
      ...{ method: init.method ?? 'GET', path: pathname, query: search, body },
      authorization: headers.get('authorization'),
    });
    const found = options.answers?.[pathname];
    if (found === undefined) throw new TypeError('fetch failed');
    if (found instanceof Response) return found.clone();
    return Response.json(found);
  };
  return {
    printed,
    complaints,
    requests,
    out: (text) => void printed.push(text),
    err: (text) => void complaints.push(text),
    env: {},
    cwd: '/nowhere',
    fetch: answer,
    signal: new AbortController().signal,
    broken: new AbortController().signal,
    live: false,
    openScreen: () => null,
    colors: false,
    width: 100,
    ...options,
  };
}
