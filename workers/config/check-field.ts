// The fields of checks, one set for each kind, for the table of fields of an asset.

import { z } from 'zod';
import type { CheckRule } from '../../workflows/model/asset/check.ts';
import { matching, NAME, note, type Shape } from './field-note.ts';

type Rule<Kind extends CheckRule['kind']> = Shape<Extract<CheckRule, { kind: Kind }>>;

const severity = z
  .enum(['error', 'warn'])
  .default('error')
  .meta(note({ help: 'what a row that breaks it makes of the check: `failed` or `warned`' }));
const blocking = z
  .boolean()
  .default(false)
  .meta(
    note({
      help: 'check what a step has computed before it is published: a partition that breaks it is not, and keeps its old rows',
      why: 'a check that only marks the asset cannot hold up its readers',
    }),
  );
const column = (help: string) => z.string().min(1).meta(note({ help }));
const columns = (help: string) =>
  z
    .array(z.string().min(1))
    .min(1)
    .meta(note({ help, type: 'list of texts' }));
const rows = (help: string) => z.int().min(0).optional().meta(note({ help }));

const kind = <Kind extends CheckRule['kind']>(name: Kind, builder: string) =>
  z.literal(name).meta(note({ help: `set by \`${builder}\`` }));

const sql = {
  kind: kind('sql', 'check({ … })'),
  sql: z
    .string()
    .min(1)
    .meta(
      note({
        help: 'a SELECT of the rows that break it; `{this}` is the table of the asset, `{key}` that of a dependency. In a blocking check `{new}` is what is about to be published, and `{this}` the table as it would be then',
      }),
    ),
} satisfies Rule<'sql'>;

const notNull = {
  kind: kind('notNull', 'notNull(…)'),
  columns: columns('none of them is NULL'),
} satisfies Rule<'notNull'>;

const unique = {
  kind: kind('unique', 'unique(…)'),
  columns: columns('no two rows have the same values in them'),
} satisfies Rule<'unique'>;

const acceptedValues = {
  kind: kind('acceptedValues', 'acceptedValues(…)'),
  column: column('the column that is looked at'),
  values: z
    .array(z.union([z.string(), z.number(), z.boolean()]))
    .min(1)
    .meta(note({ help: 'what it may hold besides NULL', type: 'list of texts, numbers, booleans' })),
} satisfies Rule<'acceptedValues'>;

const relationship = {
  kind: kind('relationship', 'relationship(…)'),
  column: column('the column that is looked at'),
  to: z
    .string()
    .min(1)
    .meta(note({ help: 'key of the asset, one of `deps`, that has each of its values besides NULL' })),
  toColumn: z
    .string()
    .min(1)
    .meta(note({ help: '… in this column' })),
} satisfies Rule<'relationship'>;

const rowCount = {
  kind: kind('rowCount', 'rowCount({ … })'),
  min: rows('the table has at least so many rows'),
  max: rows('the table has at most so many rows'),
} satisfies Rule<'rowCount'>;

const options = { severity, blocking };

const oneCheck = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ ...sql, ...options }),
    z.strictObject({ ...notNull, ...options }),
    z.strictObject({ ...unique, ...options }),
    z.strictObject({ ...acceptedValues, ...options }),
    z.strictObject({ ...relationship, ...options }),
    z.strictObject({ ...rowCount, ...options }),
  ],
  { error: 'must be SQL, or made with check, notNull, unique, acceptedValues, relationship or rowCount' },
);

/** A text is the SQL of a check without options. */
const withKind = (it: unknown) => (typeof it === 'string' ? { kind: 'sql', sql: it } : it);

export const checks = z.record(matching(NAME, 'a plain name'), z.preprocess(withKind, oneCheck));
