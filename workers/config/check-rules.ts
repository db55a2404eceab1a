// Rules for the checks of an asset: what they read exists, and what they say does not contradict itself. Pure.

import { type CheckFault, checkFaults, checkOf } from '../../workflows/model/asset/check.ts';
import type { LoadedAsset } from '../../workflows/model/asset/definition.ts';
import { dependencyOf } from '../../workflows/model/asset/dependency.ts';
import { CHECK_WORDS, placeholderName } from '../../workflows/model/asset/placeholder.ts';
import { nearestName } from './nearest-name.ts';
import type { Problem } from './problem.ts';

/** @param path of the asset */
export function checkProblems({ checks = {}, deps }: LoadedAsset, path: string): readonly Problem[] {
  const keys = deps.map((dep) => dependencyOf(dep).key);
  const bounds = Object.entries(checks).flatMap(([name, declared]): readonly Problem[] => {
    const check = checkOf(declared);
    const at = `${path}.checks.${name}`;
    if (check.kind !== 'rowCount') return [];
    const { min, max } = check;
    if (min === undefined && max === undefined) {
      return [{ path: at, what: 'has no bound', fix: 'write rowCount({ min: 1 })' }];
    }
    if ((min ?? 0) <= (max ?? Number.POSITIVE_INFINITY)) return [];
    return [{ path: `${at}.min`, what: 'must not be more than max', fix: 'exchange them' }];
  });
  return [...bounds, ...checkFaults(checks, keys).map((fault) => faultProblem(fault, keys, `${path}.checks`))];
}

function faultProblem(fault: CheckFault, keys: readonly string[], checks: string): Problem {
  const { what } = fault;
  const path = `${checks}.${fault.check}`;
  switch (fault.tag) {
    case 'unknown-placeholder': {
      const meant = nearestName(fault.name, [...CHECK_WORDS, ...keys.map(placeholderName)]);
      const fix = meant === null ? `add '${fault.name}' to the asset's deps` : `did you mean {${meant}}?`;
      return { path: `${path}.sql`, what, fix };
    }
    case 'unknown-dependency': {
      const meant = nearestName(fault.name, keys);
      const added = `add dep('${fault.name}', { lookup: true }) to the asset's deps`;
      return { path: `${path}.to`, what, fix: meant === null ? added : `did you mean ${meant}?` };
    }
    case 'new-of-published':
      return { path: `${path}.sql`, what, fix: 'read {this}, or set blocking: true' };
    case 'blocking-warning':
      return { path: `${path}.severity`, what, fix: 'what is not published is an error: leave out one of the two' };
  }
}
