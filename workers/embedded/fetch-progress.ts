// Shows a running download: on a terminal as a bar that is redrawn in place, elsewhere as a plain line now and then. Text
// only; the caller decides where it goes.

import type { FetchEvent } from './download.ts';

const BAR_WIDTH = 24;
const REDRAW_EVERY_MS = 100;
const PLAIN_EVERY_MS = 5_000;
const BYTES_PER_MB = 1_000_000;

/**
 * A listener for `findProgram` that writes to `write`.
 * @param live the output is a terminal: lines may be redrawn
 */
export function fetchProgress(
  write: (text: string) => void,
  live: boolean,
  nowMs: () => number,
): (event: FetchEvent) => void {
  let drawnMs = Number.NEGATIVE_INFINITY;
  return (event) => {
    if (event.tag === 'started') {
      write(`fetching ${event.title} from ${event.from}\n`);
      drawnMs = live ? Number.NEGATIVE_INFINITY : nowMs();
      return;
    }
    const done = event.bytes === event.totalBytes;
    if (!done && nowMs() - drawnMs < (live ? REDRAW_EVERY_MS : PLAIN_EVERY_MS)) return;
    drawnMs = nowMs();
    write(live ? `\r\x1b[K  ${bar(event)}${done ? '\n' : ''}` : `  ${event.title}: ${amount(event)}\n`);
  };
}

type Received = Extract<FetchEvent, { readonly tag: 'received' }>;

function bar(event: Received): string {
  if (event.totalBytes === null) return amount(event);
  const filled = Math.round((BAR_WIDTH * event.bytes) / event.totalBytes);
  return `[${'='.repeat(filled)}${' '.repeat(BAR_WIDTH - filled)}] ${amount(event)}`;
}

function amount({ bytes, totalBytes }: Received): string {
  const received = (bytes / BYTES_PER_MB).toFixed(1);
  return totalBytes === null ? `${received} MB` : `${received} of ${(totalBytes / BYTES_PER_MB).toFixed(1)} MB`;
}
