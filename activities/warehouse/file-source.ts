// How an engine that cannot read the lake by itself comes to the bytes of a file.

import type { DataFile } from '../../workflows/model/manifest.ts';

/** A file of the lake as a manifest or a snapshot names it: nothing else ever has its key. */
export type LakeFile = Pick<DataFile, 'key' | 'bytes' | 'sha256'>;

export interface FileSource {
  /**
   * Path of the file's bytes, whole and right, in the warehouse's spool folder; they stay there until the merge has ended.
   * Asking again costs nothing and answers the same, a failure too.
   * @throws WalflowError DATA_FILE_DAMAGED: this file's table is to blame; anything else is everybody's trouble.
   */
  local(file: LakeFile): Promise<string>;
}
