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

type Fields = Readonly<Record<string, z.ZodType>>;

/**
 * Fields of an object by name; of a union those of all its objects, or of the one of the same kind as `value`. Null for
 * anything else.
 */
export function fieldsOf(schema: z.ZodType, value?: unknown): Fields | null {
  const { schema: inner } = unwrapped(schema);
  if (inner instanceof z.ZodObject) return inner.shape;
  const kinds = optionsOf(inner).flatMap((option): readonly Fields[] => {
    const fields = fieldsOf(option);
    return fields === null ? [] : [fields];
  });
  const fitting = kinds.filter(({ kind }) => kind?.safeParse(kindOf(value)).success);
  return kinds.length === 0 ? null : Object.assign({}, ...(fitting.length > 0 ? fitting : kinds));
}

const kindOf = (value: unknown) => (typeof value === 'object' && value !== null && 'kind' in value ? value.kind : null);

/** What a union is made of; nothing else has options. */
export function optionsOf(schema: z.ZodType): readonly z.ZodType[] {
  const { schema: inner } = unwrapped(schema);
  return inner instanceof z.ZodUnion ? inner.options.map((option) => option as z.ZodType) : [];
}

/** The schema of the entries of a record or list, also of one in a union; null for anything else. */
export function entryOf(schema: z.ZodType): z.ZodType | null {
  const { schema: inner } = unwrapped(schema);
  for (const option of optionsOf(inner)) {
    const entry = entryOf(option);
    if (entry !== null) return entry;
  }
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
