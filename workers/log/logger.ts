// The logger of a process: one JSON object per line, or text for people. Fields name the subject (pipeline, run, seq).
// Secrets are masked in every line, including stack traces and messages of libraries.

import { type Logger, pino } from 'pino';
import { prettyLine } from './pretty.ts';
import { maskSecrets } from './secrets.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LogOptions {
  readonly level: LogLevel;
  /** auto: pretty on a terminal, JSON elsewhere. */
  readonly format: 'auto' | 'pretty' | 'json';
  /** The role of the process, in every line. */
  readonly role?: string;
  /** Where lines go; each ends with a line feed. */
  readonly out: { readonly isTTY?: boolean; write(text: string): unknown };
  readonly colors?: boolean;
}

/** Child loggers carry the context: `log.child({ pipeline: 'shop' })`. */
export function createLog({ level, format, role, out, colors }: LogOptions): Logger {
  const pretty = format === 'pretty' || (format === 'auto' && out.isTTY === true);
  const write = pretty
    ? (line: string) => out.write(prettyLine(maskSecrets(line), colors ?? out.isTTY === true))
    : (line: string) => out.write(maskSecrets(line));
  return pino(
    {
      level,
      base: role === undefined ? null : { role },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    { write },
  );
}
