// Defaults of groups of assets: which ones an asset has, and whether each group is one that exists. Pure.

import { groupOf } from '../../workflows/model/asset/key.ts';
import type { CheckedConfig } from './field.ts';
import { nearestName } from './nearest-name.ts';
import type { Problem } from './problem.ts';
import type { GraphlessProject } from './project.ts';

type Groups = CheckedConfig['groups'];

/** Of the groups around an asset; what is nearer wins, tags are put together. */
export function groupDefaults(groups: Groups, key: string): Groups[string] {
  const around = groupsAround(key).flatMap((name) => (Object.hasOwn(groups, name) ? (groups[name] ?? []) : []));
  const given = around.map((group) => Object.entries(group).filter(([, value]) => value !== undefined));
  const tags = Object.assign({}, ...around.map((group) => group.tags));
  return { ...Object.fromEntries(given.flat()), tags };
}

export function groupProblems(
  { pipelines }: GraphlessProject,
  { groups, assets }: Pick<CheckedConfig, 'groups' | 'assets'>,
): readonly Problem[] {
  const existing = new Set(assets.flatMap(({ key }) => groupsAround(key)));
  return Object.entries(groups).flatMap(([name, { automation }]): readonly Problem[] => {
    const path = `groups.${name}`;
    if (!existing.has(name)) {
      const meant = nearestName(name, existing);
      const fix = meant === null ? 'the group of analytics/revenue is analytics' : `did you mean ${meant}?`;
      return [{ path, what: 'is a group without assets', fix }];
    }
    if (!pipelines.has(name) || automation === undefined) return [];
    const what = `is about captured tables of pipeline ${name}, which nothing runs`;
    return [{ path: `${path}.automation`, what, fix: 'leave it out' }];
  });
}

/** `a`, `a/b` of `a/b/c`. */
function groupsAround(key: string): readonly string[] {
  const group = groupOf(key);
  return group === null ? [] : [...groupsAround(group), group];
}
