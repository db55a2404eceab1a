import { expect, test } from 'vitest';
import { parseSourceModule } from './source-module.ts';

const parse = (text: string) => parseSourceModule('workers/example.ts', text);

test('imports of every form are seen, each with its line and whether it is gone at run time', () => {
  const { imports } = parse(`
    import { a } from './a.ts';
    import type { B } from './b.ts';
    import { type C } from './c.ts';
    export { d } from './d.ts';
    export * from './e.ts';
    const f = await import('./f.ts');
    let g: import('./g.ts').G;`);
  expect(imports.map(({ specifier, typeOnly, line }) => [specifier, typeOnly, line])).toEqual([
    ['./a.ts', false, 2],
    ['./b.ts', true, 3],
    ['./c.ts', false, 4],
    ['./d.ts', false, 5],
    ['./e.ts', false, 6],
    ['./f.ts', false, 7],
    ['./g.ts', true, 8],
  ]);
});

test('an import inside a comment or a string is none', () => {
  expect(parse("// import './a.ts'\nconst text = `import './b.ts'`;").imports).toEqual([]);
});

test('globals are seen with what is read from them, property names are not globals', () => {
  const { globals } = parse(`
    Date.now(); new Date(); new Date(5); const { env } = process; f(setTimeout);
    const own = { process: 1, console: 2 }; own.process; own.console.log; type T = { crypto: string };`);
  expect(globals.map(({ what }) => what)).toEqual(['Date.now', 'new Date()', 'Date', 'process', 'setTimeout']);
});

test('functions have the name they are bound to, inline callbacks have none', () => {
  const { functions } = parse(`function a() {}
const b = () => {
};
class C { d() {} #e = () => 1; }
const o = { f() {}, g: () => 1 };
[].map(() => 1);`);
  expect(functions.map(({ name, lines }) => [name, lines])).toEqual([
    ['a', 1],
    ['b', 2],
    ['d', 1],
    ['e', 1],
    ['f', 1],
    ['g', 1],
    [undefined, 1],
  ]);
});

test.each([
  ['// one\n// two\n\n// not the header\n', 2],
  ['#!/usr/bin/env node\n// one\n', 1],
  ['/* one\n two */\n// not the header\n', 2],
  ['const a = 1;\n// not the header\n', 0],
  ['\n// not at the top\n', 0],
])('the header of %j has %i lines', (text, lines) => {
  expect(parse(text).headerLines).toBe(lines);
});

test('a final newline ends the last line and begins none', () => {
  expect(parse('const a = 1;\nconst b = 2;\n').lines).toBe(2);
});

test('what is not valid TypeScript is refused by name', () => {
  expect(() => parse('const = ;')).toThrow('workers/example.ts');
});
