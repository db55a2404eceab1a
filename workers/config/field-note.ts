// What every field of the configuration says of itself, and how tables of fields are typed and checked.

import { z } from 'zod';

/** A field's `meta`, for its readers. */
export interface FieldNote {
  readonly help: string;
  readonly unit?: string;
  /** Why this default. */
  readonly why?: string;
  /** When the field applies. */
  readonly when?: string;
  /** The default, if it depends on something else. */
  readonly otherwise?: string;
  /** How to write the value, if the type does not show it. */
  readonly type?: string;
}

/** One schema for each field of a type that users see. */
export type Shape<Config> = Record<keyof Config, z.ZodType>;
export const note = (text: FieldNote): FieldNote & Record<string, unknown> => ({ ...text });

export const matching = (pattern: RegExp, form: string) => z.string().regex(pattern, `must be ${form}`);

export const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
