// Which partitions of an asset read a changed partition of another one, in SQL. All of it is done on the clock of the zone that
// both share, so that a day of 23 hours is one step like any other.

import type { Touch } from '../../../workflows/model/asset/graph.ts';
import type { DimensionMapping } from '../../../workflows/model/asset/mapping.ts';
import {
  type Dimension,
  dimensionsOf,
  keyOfValue,
  type StaticPartitions,
} from '../../../workflows/model/asset/partitioning.ts';
import { gridRange, type TimePartitions } from '../../../workflows/model/asset/time-partition.ts';
import { literal } from './identifier.ts';
import { keySql, placeOfKeySql } from './partition-sql.ts';
import { clockLiteral, UNITS } from './time-place-sql.ts';

type Same = Extract<DimensionMapping, { kind: 'same' }>;

/** The keys of `to` that read a partition of `from`, as a list; `key` is an expression of type VARCHAR. */
export function mappedKeysSql({ from, to, mapping }: Extract<Touch, { tag: 'mapped' }>, key: string): string {
  const inputs = dimensionsOf(from);
  const partOf = (at: number) => (inputs.length === 1 ? key : `split_part(${key}, '|', ${at + 1})`);
  const lists = dimensionsOf(to).map((dimension, i) => {
    const one = mapping[i];
    if (one?.kind === 'same') return partsSql(inputs[one.at], dimension, one, partOf(one.at));
    return dimension.kind === 'static' ? listed(dimension) : '[]';
  });
  return lists.reduceRight(
    (rest, list, i) => `flatten([[a${i} || '|' || b${i} for b${i} in ${rest}] for a${i} in ${list}])`,
  );
}

const listed = ({ values }: StaticPartitions) => `[${values.map(keyOfValue).map(literal).join(', ')}]`;

function partsSql(from: Dimension | undefined, to: Dimension, same: Same, key: string): string {
  if (to.kind === 'static') return `case when ${key} in ${listed(to)} then [${key}] else [] end`;
  if (from === undefined || from.kind === 'static') return '[]';
  const { fromMs, toMs } = gridRange(to);
  const within = (time: string) => `${time} >= ${clockLiteral(fromMs)} and ${time} < ${clockLiteral(toMs)}`;
  const clock = clockOfKeySql(from, key);
  // A key itself, because that of an hour can have an offset.
  if (from.kind === to.kind && same.start === 0 && same.end === 0) {
    return `case when ${within(clock)} then [${key}] else [] end`;
  }
  const [own, unit] = [UNITS[from.kind], UNITS[to.kind]];
  const first = `date_trunc('${unit}', ${clock})`;
  const last = `date_trunc('${unit}', ${clock} + interval 1 ${own} - interval 1 microsecond)`;
  const times = `generate_series(${first} + interval (${-same.end}) ${unit}, ${last} + interval (${-same.start}) ${unit}, interval 1 ${unit})`;
  return `[${keyOfClockSql(to, 't')} for t in ${times} if ${within('t')}]`;
}

/** What the clock shows when a partition begins, TIMESTAMP. */
function clockOfKeySql(partitions: TimePartitions, key: string): string {
  if (partitions.kind !== 'hourly') return `(${placeOfKeySql(partitions, key)})::TIMESTAMP`;
  return `(split_part(${key}, 'T', 1)::DATE + to_hours(left(split_part(${key}, 'T', 2), 2)::INT))`;
}

function keyOfClockSql(partitions: TimePartitions, time: string): string {
  if (partitions.kind !== 'hourly') return keySql(partitions, `${time}::DATE`);
  return `strftime(${time}, '%Y-%m-%dT%H')`;
}
