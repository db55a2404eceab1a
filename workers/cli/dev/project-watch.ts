// Reloads the configuration of `walflow dev` when it, or a file that it names, is saved. Only a valid one counts: a half-typed file stops nothing.

import { unwatchFile, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import type { ResolvedProject } from '../../config/project.ts';
import { toWalflowError } from '../failure.ts';

export interface ProjectWatch {
  /** Aborted when a valid configuration was saved. */
  readonly changed: AbortSignal;
  /** What was saved; null until then. */
  next(): ResolvedProject | null;
  close(): void;
}

/** The file's time is polled: editors replace files, and notifications lose a replaced file. */
const POLL_MS = 500;

/** @param load reads the configuration again */
export function watchProject(
  files: readonly string[],
  load: () => Promise<ResolvedProject>,
  log: Logger,
): ProjectWatch {
  const changed = new AbortController();
  let next: ResolvedProject | null = null;
  const onSave = async (file: string) => {
    try {
      next = await load();
      log.info({ file }, 'the configuration was saved: restarting with it');
      changed.abort();
    } catch (failure) {
      log.warn({ file }, `the saved configuration is not used: ${toWalflowError(failure).toLine()}`);
    }
  };
  const watched = files.map((file) => ({ file, listener: () => void onSave(file) }));
  for (const { file, listener } of watched) watchFile(file, { interval: POLL_MS, persistent: false }, listener);
  const close = () => {
    for (const { file, listener } of watched) unwatchFile(file, listener);
  };
  return { changed: changed.signal, next: () => next, close };
}
