// What stands in a file besides its logic: the header, comments that postpone, types that look away, tests left out.

import type { SourceModule } from './source-module.ts';
import { zoneOf } from './zone.ts';

const HEADER_LINES = 4;
const POSTPONED = /\b(TODO|FIXME|XXX|HACK)\b/;
const SILENCED = /@ts-(ignore|nocheck)\b/;

/** A test's names are its header. */
export function headerViolations(modules: readonly SourceModule[]): readonly string[] {
  return modules.flatMap(({ path, headerLines }) => {
    if (headerLines > HEADER_LINES) return [`${path}: header of ${headerLines} lines, at most ${HEADER_LINES}`];
    const needed = !path.endsWith('.test.ts') && zoneOf(path) !== 'config';
    return needed && headerLines === 0 ? [`${path}: no header comment says what this file is`] : [];
  });
}

export function anyTypeViolations(modules: readonly SourceModule[]): readonly string[] {
  return modules.flatMap(({ path, anyTypes }) => anyTypes.map(({ line }) => `${path}:${line} any: name the type`));
}

export function commentViolations(modules: readonly SourceModule[]): readonly string[] {
  return modules.flatMap(({ path, comments }) =>
    comments.flatMap(({ what, line }) => {
      if (SILENCED.test(what)) return [`${path}:${line} silences the type checker`];
      const expected = /@ts-expect-error(.*)/.exec(what);
      if (expected !== null && (expected[1] ?? '').trim().length < 10)
        return [`${path}:${line} @ts-expect-error without a reason`];
      return POSTPONED.test(what) ? [`${path}:${line} postpones work: do it or write an issue`] : [];
    }),
  );
}

export function skipViolations(modules: readonly SourceModule[]): readonly string[] {
  return modules.flatMap(({ path, skips }) =>
    skips.map(
      ({ what, line }) => `${path}:${line} ${what}: leave a test out only with the context's skip(condition, 'reason')`,
    ),
  );
}
