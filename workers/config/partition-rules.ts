// Rules for how an asset is divided: zones exist, and partitions begin and end where they can. Pure.

import type { LoadedAsset } from '../../workflows/model/asset/definition.ts';
import { dependencyOf } from '../../workflows/model/asset/dependency.ts';
import { type Dimension, outputsOf, type Partitions } from '../../workflows/model/asset/partitioning.ts';
import {
  isTimeKey,
  KEY_FORMS,
  nearestKey,
  type TimePartitions,
  timeRange,
} from '../../workflows/model/asset/time-partition.ts';
import { isTimeZone } from '../../workflows/model/asset/time-zone.ts';
import { nearestName } from './nearest-name.ts';
import type { Problem } from './problem.ts';

/** @param path of the asset */
export function partitionProblems({ partitions, deps }: LoadedAsset, path: string): readonly Problem[] {
  return [
    ...deps.map(dependencyOf).flatMap(({ zone }, d) => zoneProblems(zone, `${path}.deps[${d}].zone`)),
    ...(partitions === undefined ? [] : divisionProblems(partitions, `${path}.partitions`)),
  ];
}

export function zoneProblems(zone: string | undefined, path: string): readonly Problem[] {
  if (zone === undefined || isTimeZone(zone)) return [];
  const meant = nearestName(zone, ['UTC', ...Intl.supportedValuesOf('timeZone')]);
  const fix = meant === null ? 'name a zone like Europe/Berlin, or UTC' : `did you mean ${meant}?`;
  return [{ path, what: `names zone ${zone}, which does not exist`, fix }];
}

function divisionProblems(partitions: Partitions, path: string): readonly Problem[] {
  if (partitions.kind !== 'multi') return dimensionProblems(partitions, path);
  const { dimensions } = partitions;
  const outputs = outputsOf(partitions);
  const twice = Object.keys(dimensions).find((_, i) => outputs.indexOf(outputs[i] ?? '') < i);
  return [
    ...Object.entries(dimensions).flatMap(([name, one]) => dimensionProblems(one, `${path}.dimensions.${name}`)),
    ...(twice === undefined
      ? []
      : [
          {
            path: `${path}.dimensions.${twice}.output`,
            what: 'is the column of another dimension',
            fix: 'name a column for each',
          },
        ]),
  ];
}

function dimensionProblems(dimension: Dimension, path: string): readonly Problem[] {
  if (dimension.kind !== 'static') return timeProblems(dimension, path);
  const twice = dimension.values.findIndex((value, i) => dimension.values.indexOf(value) < i);
  if (twice < 0) return [];
  return [
    { path: `${path}.values[${twice}]`, what: `names ${dimension.values[twice]} again`, fix: 'name each value once' },
  ];
}

function timeProblems(partitions: TimePartitions, path: string): readonly Problem[] {
  const unknown = zoneProblems(partitions.timezone, `${path}.timezone`);
  if (unknown.length > 0) return unknown;
  const wrong = (['start', 'end'] as const).flatMap((field) => {
    const key = partitions[field];
    if (key === undefined || isTimeKey(partitions, key)) return [];
    const meant = nearestKey(partitions, key);
    const fix = { fix: meant === null ? `write ${KEY_FORMS[partitions.kind]}` : `did you mean ${meant}?` };
    return [{ path: `${path}.${field}`, what: `must be ${KEY_FORMS[partitions.kind]}`, ...fix }];
  });
  if (wrong.length > 0 || partitions.end === undefined) return wrong;
  const { fromUs, toUs } = timeRange(partitions);
  if (fromUs < toUs) return [];
  return [
    {
      path: `${path}.end`,
      what: 'must be later than start',
      fix: 'the first partition is start, end is the first that is none',
    },
  ];
}
