// What a listener throws in an event of a socket is never caught and would end the process. Here it ends the connection.

import type { Socket } from 'node:net';

/** From now on an exception in any listener destroys the socket with this error, which is then reported. */
export function guarded<Stream extends Socket>(socket: Stream): Stream {
  const emit = socket.emit.bind(socket) as (event: string | symbol, ...values: unknown[]) => boolean;
  socket.emit = (event: string | symbol, ...values: unknown[]) => {
    try {
      return emit(event, ...values);
    } catch (failure) {
      socket.destroy(failure instanceof Error ? failure : new Error(String(failure)));
      return true;
    }
  };
  return socket;
}
