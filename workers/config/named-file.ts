// The files that a configuration names: SQL, and rows of seeds. Each is read once, and noted, because the project is what all
// of them say.

import { extname, relative, resolve } from 'node:path';
import type { LoadedSeed, SeedFormat } from '../../workflows/model/asset/definition.ts';
import type { CheckedConfig } from './field.ts';
import { nearestName } from './nearest-name.ts';
import type { Problem } from './problem.ts';
import type { SourceFiles } from './source-file.ts';

const FORMATS: ReadonlyMap<string, SeedFormat> = new Map([
  ['.csv', 'csv'],
  ['.tsv', 'csv'],
  ['.parquet', 'parquet'],
  ['.json', 'json'],
  ['.jsonl', 'json'],
  ['.ndjson', 'json'],
]);

type CheckedSeed = Extract<CheckedConfig['assets'][number], { kind: 'seed' }>;

export class NamedFiles {
  readonly problems: Problem[] = [];
  readonly #folder: string;
  readonly #files: SourceFiles;
  readonly #named = new Set<string>();

  /** @param origin `folder`: what names are relative to */
  constructor({ folder, files }: { readonly folder: string; readonly files: SourceFiles }) {
    this.#folder = folder;
    this.#files = files;
  }

  /** Absolute. */
  get paths(): readonly string[] {
    return [...this.#named];
  }

  /** Null if it cannot be used; `problems` says why. @param place of its name in the configuration */
  sql(file: string, place: string): string | null {
    const text = this.#files.text(this.#pathOf(file));
    if (text === null) return this.#unreadable(file, place);
    if (text.trim() !== '') return text;
    return this.#refuse(place, `names file ${file}, which is empty`, 'write the SQL into it');
  }

  /** Null if it cannot be used; `problems` says why. @param place of the file's name in the configuration */
  seed({ file, columns, delimiter, format: given }: CheckedSeed, place: string): LoadedSeed | null {
    const path = this.#pathOf(file);
    const ending = extname(file).toLowerCase();
    const format = given ?? FORMATS.get(ending);
    if (format === undefined) {
      const meant = nearestName(ending, FORMATS.keys());
      const fix = meant === null ? "set format: 'csv', 'parquet' or 'json'" : `did you mean ${meant}?`;
      return this.#refuse(place, `names file ${file}, whose ending tells no format`, fix);
    }
    const hash = this.#files.hash(path);
    if (hash === null) return this.#unreadable(file, place);
    return {
      ...{ path, format, hash, delimiter: delimiter ?? (ending === '.tsv' ? '\t' : ',') },
      ...(columns === undefined ? {} : { columns }),
    };
  }

  #pathOf(file: string): string {
    const path = resolve(this.#folder, file);
    this.#named.add(path);
    return path;
  }

  #unreadable(file: string, place: string): null {
    const meant = this.#files.nearest(resolve(this.#folder, file));
    const name = meant === null ? null : relative(this.#folder, meant);
    const fix = name === null ? 'paths are relative to the configuration' : `did you mean ${name}?`;
    return this.#refuse(place, `names file ${file}, which cannot be read`, fix);
  }

  #refuse(path: string, what: string, fix: string): null {
    this.problems.push({ path, what, fix });
    return null;
  }
}
