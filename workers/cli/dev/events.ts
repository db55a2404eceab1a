// Reports what the servers and workers of `walflow dev` do, line by line.

import { fetchProgress } from '../../embedded/fetch-progress.ts';
import type { StackEvent } from '../../embedded/stack.ts';
import { durationText } from '../../text/quantity.ts';

/** @param write raw text to a terminal or pipe, for downloads only */
export function stackReporter(
  say: (line: string) => void,
  write: (text: string) => void,
  live: boolean,
): (event: StackEvent) => void {
  const onFetch = fetchProgress(write, live, () => performance.now());
  return (event) => {
    switch (event.tag) {
      case 'started':
      case 'received':
        return onFetch(event);
      case 'ready':
        return say(`${event.name} is ready`);
      case 'crashed':
        return say(`${firstLine(event.failure.message)}: restarts in ${durationText(event.restartInMs)}`);
      case 'cleaned':
        return say(`ended ${event.ended.name} (process ${event.ended.pid}), which an earlier run had left behind`);
    }
  };
}

/** The rest of the message is the end of the log, which the file has too. */
function firstLine(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/; the end of its log:$/, '');
}
