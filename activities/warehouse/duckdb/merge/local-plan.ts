// The files of a plan on the local disk: DuckDB has no access to the network and reads what a file source has fetched. A file
// that cannot be read concerns only its table.

import type { DataFile } from '../../../../workflows/model/manifest.ts';
import type { FileSource } from '../../file-source.ts';
import type { MergePlan, TableChanges, TableLoad, TablePauseOrder } from '../../merge-plan.ts';
import { damageOf } from '../../table-damage.ts';

/** A change file in a folder that DuckDB may read. */
export interface ChangeFile {
  readonly path: string;
  readonly file: DataFile;
}

export type LocalChanges = Omit<TableChanges, 'files'> & { readonly changeFiles: readonly ChangeFile[] };
export type LocalLoad = Omit<TableLoad, 'files' | 'chunks'> &
  Pick<LocalChanges, 'changeFiles'> & { readonly chunkPaths: readonly string[] };

export interface LocalPlan extends Omit<MergePlan, 'tables' | 'loads'> {
  readonly tables: readonly LocalChanges[];
  readonly loads: readonly LocalLoad[];
  /** Tables one of whose files is damaged; they are in neither list. */
  readonly damaged: readonly TablePauseOrder[];
}

/** @throws any failure that is not damage of one file */
export async function localPlan(plan: MergePlan, source: FileSource): Promise<LocalPlan> {
  const damaged: TablePauseOrder[] = [];
  const readable = async <T>(table: string, work: Promise<T>): Promise<T[]> => {
    try {
      return [await work];
    } catch (failure) {
      damaged.push(damageOf(table, failure));
      return [];
    }
  };
  const tables = plan.tables.map((one) => readable(one.entry.table, localChanges(one, source)));
  const loads = plan.loads.map((one) => readable(one.entry.table, localLoad(one, source)));
  return {
    ...plan,
    tables: (await Promise.all(tables)).flat(),
    loads: (await Promise.all(loads)).flat(),
    damaged,
  };
}

async function localChanges({ files, ...changes }: TableChanges, source: FileSource): Promise<LocalChanges> {
  const changeFiles = files.map(async (file) => ({ path: await source.local(file), file }));
  return { ...changes, changeFiles: await Promise.all(changeFiles) };
}

async function localLoad({ chunks, ...load }: TableLoad, source: FileSource): Promise<LocalLoad> {
  const chunkPaths = Promise.all(chunks.map((chunk) => source.local(chunk)));
  const [paths, local] = await Promise.all([chunkPaths, localChanges(load, source)]);
  return { ...load, changeFiles: local.changeFiles, chunkPaths: paths };
}
