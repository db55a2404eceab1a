// How an engine that cannot read the lake by itself gets the bytes of a file.

import type { DataFile } from '../../workflows/model/manifest.ts';

/** A file of the lake, as a manifest or a snapshot names it: no other object ever has its key. */
export type LakeFile = Pick<DataFile, 'key' | 'bytes' | 'sha256'>;

export interface FileSource {
  /**
   * Path of the file, whole and verified, in the warehouse's spool folder, where it stays until the merge has ended. Another
   * call costs nothing and has the same result, also if that is a failure.
   * @throws WalflowError DATA_FILE_DAMAGED: only the table of this file is affected; any other failure affects all.
   */
  local(file: LakeFile): Promise<string>;
}
