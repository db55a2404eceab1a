// Files that ride inside their manifest: one PUT is then data and commit point in one. Manifests in memory are kept without
// them, because a window or a load spans thousands; a key says in which manifest its file lies. Pure.

import type { DataFile, Manifest } from '../../workflows/model/manifest.ts';

/** The manifest as it is kept: everything but the files. */
export function withoutBodies(manifest: Manifest): Manifest {
  if (inlineFiles(manifest).length === 0) return manifest;
  const tables = manifest.tables.map((table) => ({ ...table, files: table.files.map(withoutBody) }));
  return { ...manifest, tables };
}

/** Those files of a manifest that lie in it. */
export function inlineFiles({ tables }: Pick<Manifest, 'tables'>): readonly (DataFile & { readonly inline: string })[] {
  return tables.flatMap(({ files }) => files.flatMap((file) => (hasBody(file) ? [file] : [])));
}

export function bodyOf({ inline }: { readonly inline: string }): Buffer {
  return Buffer.from(inline, 'base64');
}

function hasBody(file: DataFile): file is DataFile & { readonly inline: string } {
  return file.inline !== undefined;
}

function withoutBody({ inline: _, ...file }: DataFile): DataFile {
  return file;
}
