// Rules for the columns that an asset promises: what else of its definition names a column names one of these. Pure.

import { checkOf } from '../../workflows/model/asset/check.ts';
import { NOT_NULL_CHECK } from '../../workflows/model/asset/contract.ts';
import type { LoadedAsset } from '../../workflows/model/asset/definition.ts';
import { dimensionNames, outputsOf } from '../../workflows/model/asset/partitioning.ts';
import { nearestName } from './nearest-name.ts';
import type { Problem } from './problem.ts';

/** @param path of the asset */
export function contractProblems({ columns, partitions, checks = {} }: LoadedAsset, path: string): readonly Problem[] {
  const reserved = Object.hasOwn(checks, NOT_NULL_CHECK)
    ? [
        {
          path: `${path}.checks.${NOT_NULL_CHECK}`,
          what: 'has the name of the check of `columns`',
          fix: 'choose another',
        },
      ]
    : [];
  if (columns === undefined) return reserved;
  const known = Object.keys(columns);
  const folded = new Set(known.map((name) => name.toLowerCase()));
  const twice = known.find((name, i) => known.findIndex((one) => one.toLowerCase() === name.toLowerCase()) < i);
  const used = [...outputs(partitions), ...checkedColumns(checks)];
  return [
    ...reserved,
    ...(twice === undefined
      ? []
      : [
          {
            path: `${path}.columns.${twice}`,
            what: 'is declared twice: the warehouse ignores case',
            fix: 'name it once',
          },
        ]),
    ...used.flatMap(([place, column]): readonly Problem[] => {
      if (folded.has(column.toLowerCase())) return [];
      const meant = nearestName(column, known);
      const fix = meant === null ? `add ${column} to the asset's columns` : `did you mean ${meant}?`;
      return [{ path: `${path}.${place}`, what: `names column ${column}, which is not in columns`, fix }];
    }),
  ];
}

type Used = readonly (readonly [path: string, column: string])[];

function outputs(partitions: LoadedAsset['partitions']): Used {
  if (partitions === undefined) return [];
  const names = dimensionNames(partitions);
  return outputsOf(partitions).map((column, i) => {
    const dimension = names[i];
    return [dimension === undefined ? 'partitions.output' : `partitions.dimensions.${dimension}.output`, column];
  });
}

function checkedColumns(checks: NonNullable<LoadedAsset['checks']>): Used {
  return Object.entries(checks).flatMap(([name, declared]): Used => {
    const check = checkOf(declared);
    if (check.kind === 'notNull' || check.kind === 'unique') {
      return check.columns.map((column, i) => [`checks.${name}.columns[${i}]`, column]);
    }
    return 'column' in check ? [[`checks.${name}.column`, check.column]] : [];
  });
}
