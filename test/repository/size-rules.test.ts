import { describe, expect, test } from 'vitest';
import { fileSizeViolations, functionSizeViolations } from './size-rules.ts';
import { parseSourceModule } from './source-module.ts';

const file = (lines: number) => parseSourceModule('workers/example.ts', 'f();\n'.repeat(lines));
const withFunction = (lines: number, before = 'function f() {', after = '}') =>
  parseSourceModule('workers/example.ts', `${before}\n${'g();\n'.repeat(lines - 2)}${after}\n`);

describe('files', () => {
  test('at the limits nothing is told', () => {
    expect(fileSizeViolations([file(100), file(100), ...Array(7).fill(file(90)), file(400)])).toEqual([]);
  });

  test('one line more than the maximum is told', () => {
    expect(fileSizeViolations([file(1), file(1), ...Array(8).fill(file(1)), file(401)])).toEqual([
      'workers/example.ts: 401 lines, at most 400',
    ]);
  });

  test('a median or a p90 beyond its limit is told', () => {
    expect(fileSizeViolations([file(1), file(101), file(102)])).toEqual(['files: median is 101 lines, at most 100']);
    expect(fileSizeViolations([...Array(8).fill(file(1)), file(251), file(251)])).toEqual([
      'files: p90 is 251 lines, at most 250',
    ]);
  });
});

describe('functions', () => {
  test('a function of 71 lines is told by name', () => {
    const violations = functionSizeViolations([withFunction(71), ...Array(10).fill(withFunction(3))]);
    expect(violations).toEqual(['workers/example.ts:1 f: 71 lines, at most 70']);
  });

  test('an inline callback counts for the maximum, not for the median', () => {
    expect(functionSizeViolations([withFunction(20, 'h(() => {', '});')])).toEqual([]);
    expect(functionSizeViolations([withFunction(71, 'h(() => {', '});')])).toHaveLength(1);
  });

  test('a median or a p90 beyond its limit is told', () => {
    expect(functionSizeViolations([withFunction(11)])).toEqual(['functions: median is 11 lines, at most 10']);
    expect(functionSizeViolations([...Array(8).fill(withFunction(2)), withFunction(36), withFunction(36)])).toEqual([
      'functions: p90 is 36 lines, at most 35',
    ]);
  });
});
