// What is wrong with a configuration, with the place and the fix. Values are never printed: a wrong value can be a misplaced
// password.

import type { z } from 'zod';
import { WalflowError } from '../../workflows/model/errors.ts';
import { FUTURE_FIELDS, MOVED_FIELDS } from './field.ts';
import { fieldsOf, noteOf, schemaAt } from './field-tree.ts';
import { nearestName } from './nearest-name.ts';

export interface Problem {
  /** `pipelines.shop.flush.maxDelayMs`, `assets[0].deps[1]`; empty for the whole file. */
  readonly path: string;
  readonly what: string;
  readonly fix?: string;
}

const MAX_SHOWN = 5;

/** One CONFIG_INVALID for all problems: the first few in the message, their fixes in the hint. */
export function configInvalid(file: string, problems: readonly Problem[]): WalflowError {
  const shown = problems.slice(0, MAX_SHOWN);
  const rest = problems.length - shown.length;
  const whats = shown.map(({ path, what }) => (path === '' ? what : `${path} ${what}`));
  const fixes = [...new Set(shown.flatMap(({ fix }) => fix ?? []))];
  return new WalflowError(
    'CONFIG_INVALID',
    `${file}: ${whats.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`,
    fixes.length > 0 ? { hint: fixes.join('; ') } : {},
  );
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i > 0 ? '.' : ''}${String(step)}`))
    .join('');
}

/** @param root the schema that found the issue; used for "did you mean" and for the help of a missing field */
export function problemsOf(root: z.ZodType, issue: z.core.$ZodIssue): readonly Problem[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(root, issue, key));
  if (issue.code === 'invalid_union') {
    // The one whose type is right, and of which only a part is wrong.
    const meant = issue.errors.find((errors) => errors.every(({ path }) => path.length > 0));
    if (meant !== undefined) {
      return meant.flatMap((inner) => problemsOf(root, { ...inner, path: [...issue.path, ...inner.path] }));
    }
  }
  const path = pathText(issue.path);
  if (issue.code === 'invalid_type' && issue.input === undefined) return [{ path, ...missing(root, issue.path) }];
  return [{ path, what: whatOf(issue) }];
}

function unknownKey(root: z.ZodType, { path: parent, input }: z.core.$ZodIssue, key: string): Problem {
  const path = pathText([...parent, key]);
  const place = path.replaceAll(/\[\d+\]/g, '[]');
  const moved = MOVED_FIELDS.get(place);
  if (moved !== undefined) return { path, what: 'is not a field any more', fix: moved };
  const future = FUTURE_FIELDS.get(place);
  if (future !== undefined) return { path, what: 'is not supported yet', fix: future };
  const schema = schemaAt(root, parent);
  const known = Object.keys((schema === null ? null : fieldsOf(schema, input)) ?? {});
  const meant = nearestName(key, known);
  return {
    path,
    what: 'is not a field',
    fix: meant === null ? `the fields here are ${known.join(', ')}` : `did you mean ${pathText([...parent, meant])}?`,
  };
}

function missing(root: z.ZodType, path: readonly PropertyKey[]): { what: string; fix: string } {
  if (path.at(-1) === 'url' && path.at(-2) === 'source') {
    return {
      what: 'has no value',
      fix: 'set the environment variable that the file reads it from (usually DATABASE_URL), or write the URL there',
    };
  }
  const schema = schemaAt(root, path);
  const note = schema === null ? null : noteOf(schema);
  return { what: 'is missing', fix: `add ${pathText(path)}${note === null ? '' : `: ${note.help}`}` };
}

function whatOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      // Every number in the table is a whole one.
      return `must be ${kindName(issue.expected === 'number' ? 'int' : issue.expected)}, not ${kindOf(issue.input)}`;
    case 'invalid_value':
      return `must be ${issue.values.map((value) => `'${String(value)}'`).join(' or ')}`;
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `must be at least ${issue.minimum}`
        : 'must not be empty';
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    case 'invalid_key':
      return `is not a usable name: it ${issue.issues[0]?.message ?? 'is not allowed'}`;
    default:
      return issue.message;
  }
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function kindName(expected: string): string {
  return KIND_NAMES[expected] ?? expected;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number' && !Number.isInteger(value)) return 'a fraction';
  return KIND_NAMES[typeof value] ?? typeof value;
}
