// What a test file may leave behind by mistake: servers that listen, child processes, open files, files on the disk.
// Connections are not counted: keep-alive pools close theirs when they like.

import { readdirSync, readlinkSync } from 'node:fs';

const HANDLES: Readonly<Record<string, string>> = {
  TCPServerWrap: 'a server that listens',
  ProcessWrap: 'a child process',
};
/** Only Linux shows them. */
const OPEN_FILES = '/proc/self/fd';

/** One line each, empty when there is nothing; `folder` is the only place where the file may have written. */
export function leftBehind(folder: string): readonly string[] {
  const handles = process.getActiveResourcesInfo().flatMap((resource) => HANDLES[resource] ?? []);
  const open = openFiles().filter((path) => path.startsWith(`${folder}/`));
  return [...handles, ...open.map((path) => `open file ${path}`), ...readdirSync(folder).map((name) => `file ${name}`)];
}

function openFiles(): readonly string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync(OPEN_FILES).flatMap((descriptor) => {
    try {
      return [readlinkSync(`${OPEN_FILES}/${descriptor}`)];
    } catch {
      // Closed since it was listed, like the one that listed them.
      return [];
    }
  });
}
