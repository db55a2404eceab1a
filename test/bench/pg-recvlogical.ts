// The reference of the replication rows: PostgreSQL's own client, which receives the log and throws it away.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { lsnToText } from '../../workflows/model/lsn.ts';
import { watchWalsender } from './slot.ts';

/** Time from the moment the slot was active, and what the server's side cost. */
export interface StreamRun {
  readonly seconds: number;
  readonly walsenderSeconds: number | null;
}

export const HOW_TO_GET_IT = 'pg_recvlogical is not on PATH: Debian has it in `postgresql-15` or newer';

export async function hasPgRecvlogical(): Promise<boolean> {
  return promisify(execFile)('pg_recvlogical', ['--version']).then(
    () => true,
    () => false,
  );
}

/** Receives everything before `endLsn`. No fsync, no status messages: nothing that would slow it down. */
export async function receiveAll(
  run: { readonly url: string; readonly slot: string; readonly publication: string; readonly endLsn: bigint },
  signal: AbortSignal,
): Promise<StreamRun> {
  const { url, slot, publication, endLsn } = run;
  const watch = await watchWalsender(url, slot);
  try {
    const child = spawn(
      'pg_recvlogical',
      [
        ...['-d', url, `--slot=${slot}`, '--start', '-f', '/dev/null', `--endpos=${lsnToText(endLsn)}`],
        ...['-F', '0', '-s', '0', '-o', 'proto_version=1', '-o', `publication_names=${publication}`],
      ],
      { signal, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const [code] = await once(child, 'exit');
    const endMs = performance.now();
    if (code !== 0) throw new Error(`pg_recvlogical ended with exit code ${code}`);
    return { seconds: (endMs - (await watch.active)) / 1000, walsenderSeconds: watch.cpuSeconds() };
  } finally {
    await watch.stop();
  }
}
