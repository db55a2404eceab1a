// How V8 counts buffers. Left alone it starts a full garbage collection for every 64 MB of them, and every chunk of a
// TLS socket or of an object is one: at full speed up to a third of the time goes into marking a heap that hardly changes.

import { setFlagsFromString } from 'node:v8';

/** From here on buffers count as part of the heap, whose limit grows and shrinks with what is alive. */
export function countBuffersAsHeap(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}
