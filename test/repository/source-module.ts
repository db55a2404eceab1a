// One source file as the rules see it: what it imports, which globals it touches, how long its functions are.
// Made by a real parser, so that a comment or a string never counts as code. Pure.

import { type Comment, parseSync, Visitor } from 'oxc-parser';
import type { FunctionSize, LineAt, ModuleImport, Occurrence } from './fact.ts';
import { FactCollector } from './fact-collector.ts';

export interface SourceModule {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly ModuleImport[];
  /** `default`, `export *` and re-exports; what a module declares and exports itself is not listed. */
  readonly forwarded: readonly Occurrence[];
  readonly ownExports: number;
  /** `process.env`, `Date.now`, `new Date()`, `setTimeout`: a global with the property read from it. */
  readonly globals: readonly Occurrence[];
  readonly anyTypes: readonly Occurrence[];
  readonly functions: readonly FunctionSize[];
  readonly comments: readonly Occurrence[];
  /** Lines of the comment the file begins with. */
  readonly headerLines: number;
  readonly strings: ReadonlySet<string>;
  readonly skips: readonly Occurrence[];
  /** Timers whose callback is not `safely(…)`. */
  readonly bareTimers: readonly Occurrence[];
}

/** @throws Error when the file is not valid TypeScript. */
export function parseSourceModule(path: string, text: string): SourceModule {
  const parsed = parseSync(path, text, { lang: path.endsWith('.js') ? 'js' : 'ts', sourceType: 'module' });
  if (parsed.errors.length > 0) throw new Error(`${path}: ${parsed.errors[0]?.message}`);
  const lineAt = lineFinder(text);
  const found = new FactCollector(lineAt);
  new Visitor(found.visitor).visit(parsed.program);
  return {
    path,
    lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    imports: found.imports,
    forwarded: found.forwarded,
    ownExports: found.ownExports,
    globals: found.globals(),
    anyTypes: found.anyTypes,
    functions: found.functions,
    comments: parsed.comments.map((comment) => ({ what: comment.value, line: lineAt(comment.start) })),
    headerLines: headerLines(text, parsed.comments, lineAt),
    strings: found.strings,
    skips: found.skips,
    bareTimers: found.bareTimers,
  };
}

function lineFinder(text: string): LineAt {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

/** A block comment, or line comments without a gap, at line 1 (line 2 after a `#!` line). */
function headerLines(text: string, comments: readonly Comment[], lineAt: LineAt): number {
  const first = text.startsWith('#!') ? 2 : 1;
  let next = first;
  for (const comment of comments) {
    const line = lineAt(comment.start);
    if (line < first) continue;
    if (line !== next) break;
    next = lineAt(comment.end) + 1;
    if (comment.type === 'Block') break;
  }
  return next - first;
}
