import { describe, expect, test } from 'vitest';
import { parseSourceModule } from './source-module.ts';
import { anyTypeViolations, commentViolations, headerViolations, skipViolations } from './text-rules.ts';

const parse = (text: string, path = 'workers/example.ts') => [parseSourceModule(path, text)];

describe('headers', () => {
  test('a module without one is told, a test is not', () => {
    expect(headerViolations(parse('f();'))).toHaveLength(1);
    expect(headerViolations(parse('f();', 'test/example.test.ts'))).toEqual([]);
  });

  test('four lines are enough', () => {
    expect(headerViolations(parse('// a\n'.repeat(4)))).toEqual([]);
    expect(headerViolations(parse('// a\n'.repeat(5)))).toHaveLength(1);
  });
});

test('any is seen where it is a type, not where it is a word', () => {
  expect(anyTypeViolations(parse('const a: any = 1; const b = c as any[];'))).toHaveLength(2);
  expect(anyTypeViolations(parse("// any\nconst any = 'any'; Promise.any([]);"))).toEqual([]);
});

test.each(['// TODO later', '/* FIXME */', '// @ts-ignore', '// @ts-nocheck', '// @ts-expect-error'])(
  'the comment %j is refused',
  (comment) => {
    expect(commentViolations(parse(`${comment}\nf();`))).toHaveLength(1);
  },
);

test('an expected type error with a reason is accepted, and so are words in strings', () => {
  expect(commentViolations(parse("// @ts-expect-error the method must not exist on a reader\nf('TODO');"))).toEqual([]);
});

describe('tests left out', () => {
  test.each([
    "test.skip('a', f);",
    "describe.only('a', f);",
    "it.todo('a');",
    "test.skipIf(x)('a', f);",
    "test('a', ({ skip }) => skip());",
    "test('a', (ctx) => ctx.skip(noDocker));",
  ])('%s is refused', (text) => {
    expect(skipViolations(parse(text, 'test/example.test.ts'))).toHaveLength(1);
  });

  test.each([
    "test('a', ({ skip }) => skip('docker is not here'));",
    "test('a', ({ skip }) => skip(noDocker, NO_DOCKER));",
    'lines.skip();',
  ])('%s is accepted', (text) => {
    expect(skipViolations(parse(text, 'test/example.test.ts'))).toEqual([]);
  });
});
