// How V8 counts buffers. Left alone it starts a full garbage collection for every 64 MB of them, and every chunk of a
// socket is one: a stream at full speed then spends a third of its processor time marking a heap that hardly changes.

import { setFlagsFromString } from 'node:v8';

/** From here on buffers count as part of the heap, whose limit grows and shrinks with what is alive. */
export function countBuffersAsHeap(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}
