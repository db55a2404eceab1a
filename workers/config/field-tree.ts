// Looks things up in the table of fields: which fields an object has, what a field's note says. For messages and for the
// generated page. Pure.

import { z } from 'zod';
import type { FieldNote } from './field-note.ts';

/** The schema inside `.optional()`, `.default()`, `.prefault()` and `z.preprocess`, and its default. */
export function unwrapped(schema: z.ZodType): { readonly schema: z.ZodType; readonly fallback: unknown } {
  let fallback: unknown;
  let inner = schema;
  for (;;) {
    if (inner instanceof z.ZodPipe) inner = inner.def.out as z.ZodType;
    else if (inner instanceof z.ZodOptional) inner = inner.def.innerType as z.ZodType;
    else if (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
      fallback = inner.def.defaultValue;
      inner = inner.def.innerType as z.ZodType;
    } else return { schema: inner, fallback };
  }
}

/** Fields of an object by name; of a union of objects the fields of all. Null for anything else. */
export function fieldsOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | null {
  const { schema: inner } = unwrapped(schema);
  if (inner instanceof z.ZodDiscriminatedUnion) {
    return Object.assign({}, ...inner.options.map((option) => fieldsOf(option as z.ZodType)));
  }
  return inner instanceof z.ZodObject ? inner.shape : null;
}

/** The schema of the entries of a record or list; null for anything else. */
export function entryOf(schema: z.ZodType): z.ZodType | null {
  const { schema: inner } = unwrapped(schema);
  if (inner instanceof z.ZodRecord) return inner.valueType as z.ZodType;
  if (inner instanceof z.ZodArray) return inner.element as z.ZodType;
  return null;
}

/** The schema at a path of a configuration; null when there is none. */
export function schemaAt(root: z.ZodType, path: readonly PropertyKey[]): z.ZodType | null {
  let schema: z.ZodType | null = root;
  for (const step of path) {
    if (schema === null) return null;
    schema = fieldsOf(schema)?.[String(step)] ?? entryOf(schema);
  }
  return schema;
}

export function noteOf(schema: z.ZodType): FieldNote | null {
  return (schema.meta() as FieldNote | undefined) ?? null;
}
