// What must not be left in tracked files: one machine's paths, one network's registries.

import type { Document } from './document-rules.ts';

const TRACES: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w.$}])\/(root|home\/[a-z]\w*|Users\/\w+)\/[\w.-]/, "a person's folder"],
  [/(?<![\w.$}])\/work\/[\w.-]/, "one machine's folder"],
  [/(?<![\w.$}])\/tmp\/(?!walflow)[\w.-]+\/[\w.-]/, 'a temporary folder'],
  [
    /\b(registry\.npmjs|registry\.yarnpkg|files\.pythonhosted|proxy\.golang|deb\.debian)\.\w+/,
    'the address of a registry',
  ],
];

export function traceViolations(documents: readonly Document[]): readonly string[] {
  return documents.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        TRACES.filter(([pattern]) => pattern.test(line)).map(([, what]) => `${path}:${index + 1} holds ${what}`),
      ),
  );
}

interface LockedPackage {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
}

/** A lock without `resolved` installs from whatever registry the reader uses; integrity still pins the content. */
export function lockViolations(packages: Readonly<Record<string, LockedPackage>>): readonly string[] {
  return Object.entries(packages).flatMap(([name, locked]) => {
    if (name === '' || locked.link === true) return [];
    if (locked.resolved !== undefined) return [`package-lock.json: ${name} has \`resolved\``];
    return locked.integrity === undefined ? [`package-lock.json: ${name} has no integrity`] : [];
  });
}
