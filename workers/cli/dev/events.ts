// What the servers and workers of `walflow dev` do, as lines for the person watching.

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
        return say(`${firstLine(event.failure.message)}: started again in ${durationText(event.restartInMs)}`);
      case 'cleaned':
        return say(`${event.ended.name} (process ${event.ended.pid}) was left by an earlier run and is ended now`);
    }
  };
}

/** The tail of the log follows in the message; the file has it too. */
function firstLine(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/; the end of its log:$/, '');
}
