// Are the files of a batch so small together that they ride inside its manifest? Pure.

import type { EncodedChangeFile } from '../lake/change-file.ts';

/** Resolves as soon as it is clear: the files of a large batch must not wait for the last one to be encoded. */
export function areWithin(limitBytes: number, files: readonly Promise<EncodedChangeFile>[]): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let bytes = 0;
  const counted = files.map(async (file) => {
    const encoded = await file;
    bytes += encoded.bytes.length;
    if (bytes > limitBytes) resolve(false);
  });
  // A file that cannot be encoded fails the batch by itself.
  void Promise.allSettled(counted).then(() => resolve(bytes <= limitBytes));
  return promise;
}
