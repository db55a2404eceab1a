// The fields of the columns that an asset promises, for the table of fields of an asset.

import { z } from 'zod';
import type { DeclaredColumn } from '../../workflows/model/asset/contract.ts';
import { matching, note, type Shape } from './field-note.ts';

/** `DECIMAL(18, 2)`, `TIMESTAMP WITH TIME ZONE`, `VARCHAR[]`. */
const TYPE = String.raw`[A-Za-z][A-Za-z0-9_]*( [A-Za-z]+)*( ?\(\d+(, ?\d+)?\))?(\[\])*`;
export const COLUMN_TYPE = new RegExp(`^${TYPE}$`);
const PROMISED_TYPE = new RegExp(`^${TYPE}(\\s+not\\s+null)?$`, 'i');

const column = {
  type: matching(PROMISED_TYPE, "a type like 'DATE' or 'DECIMAL(18, 2) not null'").meta(
    note({ help: 'its type as the warehouse writes it, with `not null` if it is never NULL' }),
  ),
  description: z
    .string()
    .min(1)
    .optional()
    .meta(note({ help: 'what it holds, for people' })),
} satisfies Shape<Exclude<DeclaredColumn, string>>;

/** A text is a type without a description. */
const withType = (it: unknown) => (typeof it === 'string' ? { type: it } : it);

export const columns = z
  .record(z.string().min(1), z.preprocess(withType, z.strictObject(column)))
  .refine((all) => Object.keys(all).length > 0, 'must name at least one column');

export const onSchemaChange = z.enum(['fail', 'rebuild']);
