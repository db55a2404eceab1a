// The fields that divide an asset, one set for each kind of partitions.

import { z } from 'zod';
import type { MultiPartitions, StaticPartitions } from '../../workflows/model/asset/partitioning.ts';
import type { TimePartitions } from '../../workflows/model/asset/time-partition.ts';
import { matching, NAME, note, type Shape } from './field-note.ts';

const timePartitions = {
  kind: z
    .enum(['hourly', 'daily', 'weekly', 'monthly'])
    .meta(note({ help: 'set by `hourly({ … })`, `daily({ … })`, `weekly({ … })`, `monthly({ … })`' })),
  start: z
    .string()
    .meta(note({ help: 'key of the first partition: `2026-01-31T09`, `2026-01-31`, the Monday of a week, `2026-01`' })),
  end: z
    .string()
    .optional()
    .meta(
      note({ help: 'key of the first partition that does not belong to it any more', otherwise: 'there is no end' }),
    ),
  timezone: z
    .string()
    .default('UTC')
    .meta(
      note({
        help: 'the zone whose clock divides the time; where it is set back, the two hours of one name have their offset in the key',
        why: 'it is what the sessions of the warehouse use',
      }),
    ),
  output: z
    .string()
    .min(1)
    .meta(
      note({
        help: 'column of the result that holds the time, a DATE, TIMESTAMPTZ, or TIMESTAMP in UTC; a row outside of its partition fails the run',
      }),
    ),
} satisfies Shape<TimePartitions>;

const staticPartitions = {
  kind: z.literal('static').meta(note({ help: 'set by `staticPartitions([ … ], { … })`' })),
  values: z
    .array(z.string().min(1))
    .min(1)
    .meta(note({ help: 'the values that have a partition; rows with another one have none', type: 'list of texts' })),
  output: z
    .string()
    .min(1)
    .meta(note({ help: 'column of the result that holds the value; a row outside of its partition fails the run' })),
} satisfies Shape<StaticPartitions>;

const NOT_MADE = { error: 'must be made with hourly, daily, weekly, monthly, staticPartitions or multiPartitions' };
const dimension = [z.strictObject(timePartitions), z.strictObject(staticPartitions)] as const;

const multiPartitions = {
  kind: z.literal('multi').meta(note({ help: 'set by `multiPartitions({ … })`' })),
  dimensions: z
    .record(matching(NAME, 'a plain name'), z.discriminatedUnion('kind', dimension, NOT_MADE))
    .refine((all) => [2, 3].includes(Object.keys(all).length), 'must be two or three')
    .meta(note({ help: 'by name, in the order of the key (`2026-11-27|eu`): each as partitions of its own' })),
} satisfies Shape<MultiPartitions>;

export const partitions = z.discriminatedUnion('kind', [...dimension, z.strictObject(multiPartitions)], NOT_MADE);

const oneMapping = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('same'), start: z.int(), end: z.int() }),
  z.strictObject({ kind: z.literal('all') }),
]);

export const mapping = z.union(
  [oneMapping, z.record(z.string(), oneMapping)],
  'must be samePartition(), allPartitions(), or one of these by dimension',
);
