// How a failure is reported: one line on standard error for people, an exit code for scripts.

import { CommanderError } from 'commander';
import { WalflowError } from '../../workflows/model/errors.ts';
import { EXIT, type ExitCode } from './terminal.ts';

/** Any thrown value as a WalflowError; anything unexpected becomes INTERNAL. */
export function toWalflowError(failure: unknown): WalflowError {
  if (failure instanceof WalflowError) return failure;
  if (failure instanceof CommanderError) return usageError(failure.message);
  const what = failure instanceof Error ? failure.message || failure.name : String(failure);
  return new WalflowError('INTERNAL', what, { cause: failure });
}

/** `error: what. hint: what to do. (CODE)`; with a stack only for INTERNAL, and only at log level debug. */
export function failureText(failure: WalflowError, logLevel: string | undefined): string {
  const line = failure.toLine();
  if (failure.code !== 'INTERNAL') return line;
  if (logLevel !== 'debug' && logLevel !== 'trace') return `${line}\nThe stack is printed with --log-level debug.`;
  const cause = failure.cause instanceof Error ? failure.cause : failure;
  return `${line}\n${cause.stack ?? cause.message}`;
}

/** An unknown flag and a flag with an impossible value are both wrong use. */
export function exitCodeOf({ code }: WalflowError): ExitCode {
  return code === 'USAGE_INVALID' || code === 'SETTING_INVALID' ? EXIT.wrongUse : EXIT.failed;
}

/** Commander's message, e.g. "error: unknown command 'stats'\n(Did you mean status?)", in walflow's form. */
function usageError(message: string): WalflowError {
  const [what = '', ...more] = message.replace(/^error: /, '').split('\n');
  const hint = more.join(' ').replace(/^\(Did you mean (.*)\?\)$/, 'did you mean $1');
  return new WalflowError('USAGE_INVALID', what.replace(/\.$/, ''), hint === '' ? {} : { hint });
}
