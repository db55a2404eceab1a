// What every command gets: the terminal, the global options, and the API of a running walflow. A command adds itself to
// the program and returns its exit code; printing a failure is the caller's job, once (main.ts).

import type { Command } from 'commander';
import { type ApiClient, createApiClient } from './api-client.ts';
import type { ExitCode, Terminal } from './terminal.ts';

export interface GlobalOptions {
  readonly url?: string;
  readonly token?: string;
  readonly config?: string;
  readonly logLevel: string;
  readonly logFormat: string;
}

export interface Cli {
  readonly terminal: Terminal;
  globals(): GlobalOptions;
  api(): ApiClient;
  /** Wraps a command's body for commander: what it returns becomes the exit code of the process. */
  action<Args extends readonly unknown[]>(body: (...args: Args) => Promise<ExitCode>): (...args: Args) => Promise<void>;
}

export const DEFAULT_HTTP_PORT = 4400;

export function createCli(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): Cli {
  const globals = () => program.opts<GlobalOptions>();
  return {
    terminal,
    globals,
    api: () => {
      const { env } = terminal;
      const { url, token } = globals();
      return createApiClient({
        url: url ?? env.WALFLOW_URL ?? `http://127.0.0.1:${env.WALFLOW_HTTP_PORT ?? DEFAULT_HTTP_PORT}`,
        token: token ?? env.WALFLOW_TOKEN,
        fetch: terminal.fetch,
        signal: terminal.signal,
      });
    },
    action:
      (body) =>
      async (...args) => {
        finish(await body(...args));
      },
  };
}

/** Help's last lines: how the command is used in practice. */
export function examples(...lines: readonly string[]): string {
  return `\n${lines.length > 1 ? 'Examples' : 'Example'}:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
