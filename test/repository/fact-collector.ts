// Gathers what the rules look for in one walk over a file's syntax tree. Identifiers are judged at the end of the walk,
// when it is known which of them were only property names.

import type { VisitorObject } from 'oxc-parser';
import type { FunctionSize, LineAt, ModuleImport, Occurrence } from './fact.ts';

const WATCHED_GLOBALS = new Set([
  'process',
  'console',
  'Date',
  'Math',
  'performance',
  'crypto',
  'setTimeout',
  'setInterval',
  'setImmediate',
]);

export class FactCollector {
  readonly imports: ModuleImport[] = [];
  readonly forwarded: Occurrence[] = [];
  readonly anyTypes: Occurrence[] = [];
  readonly functions: FunctionSize[] = [];
  readonly strings = new Set<string>();
  readonly skips: Occurrence[] = [];
  /** Timers whose callback may throw. */
  readonly bareTimers: Occurrence[] = [];
  ownExports = 0;
  readonly #lineAt: LineAt;
  /** Names of functions, by the offset of the function: its parent is visited first. */
  readonly #functionNames = new Map<number, string>();
  readonly #identifiers: { readonly name: string; readonly start: number }[] = [];
  /** Offsets of identifiers that are property names, not references. */
  readonly #propertyNames = new Set<number>();
  /** `Date.now` by the offset of `Date`. */
  readonly #memberNames = new Map<number, string>();
  readonly #emptyDates = new Set<number>();

  constructor(lineAt: LineAt) {
    this.#lineAt = lineAt;
  }

  globals(): readonly Occurrence[] {
    const used: Occurrence[] = [];
    for (const { name, start } of this.#identifiers) {
      if (this.#propertyNames.has(start) || !WATCHED_GLOBALS.has(name)) continue;
      const what = this.#emptyDates.has(start) ? 'new Date()' : (this.#memberNames.get(start) ?? name);
      used.push({ what, line: this.#lineAt(start) });
    }
    return used;
  }

  get visitor(): VisitorObject {
    return { ...this.#moduleVisitor(), ...this.#functionVisitor(), ...this.#referenceVisitor() };
  }

  #moduleVisitor(): VisitorObject {
    const imported = (specifier: string, typeOnly: boolean, start: number) =>
      this.imports.push({ specifier, typeOnly, line: this.#lineAt(start) });
    const forward = (what: string, start: number) => this.forwarded.push({ what, line: this.#lineAt(start) });
    return {
      // `import { type T }` is not type-only: with verbatimModuleSyntax the module is still loaded.
      ImportDeclaration: ({ source, importKind, start }) => void imported(source.value, importKind === 'type', start),
      ImportExpression: ({ source, start }) => {
        if (source.type === 'Literal' && typeof source.value === 'string') imported(source.value, false, start);
      },
      TSImportType: ({ source, start }) => void imported(source.value, true, start),
      ExportAllDeclaration: ({ source, exportKind, start }) => {
        imported(source.value, exportKind === 'type', start);
        forward('export *', start);
      },
      ExportNamedDeclaration: ({ source, exportKind, start }) => {
        if (source === null) this.ownExports += 1;
        else {
          imported(source.value, exportKind === 'type', start);
          forward('re-export', start);
        }
      },
      ExportDefaultDeclaration: ({ start }) => void forward('default', start),
    };
  }

  #functionVisitor(): VisitorObject {
    const named = (key: object, start: number) => {
      if ('name' in key && typeof key.name === 'string') this.#functionNames.set(start, key.name);
    };
    const sized = (start: number, end: number, own?: string) => {
      const name = own ?? this.#functionNames.get(start);
      const line = this.#lineAt(start);
      const lines = this.#lineAt(end - 1) - line + 1;
      this.functions.push(name === undefined ? { line, lines } : { name, line, lines });
    };
    return {
      VariableDeclarator: ({ id, init }) => {
        if (init !== null) named(id, init.start);
      },
      MethodDefinition: ({ key, value }) => {
        this.#propertyName(key);
        named(key, value.start);
      },
      PropertyDefinition: ({ key, value }) => {
        this.#propertyName(key);
        if (value !== null) named(key, value.start);
      },
      Property: (property) => {
        const { key, value, shorthand } = property;
        if (!shorthand) this.#propertyName(key, property.computed);
        named(key, value.start);
      },
      FunctionDeclaration: ({ start, end, id }) => sized(start, end, id?.name),
      FunctionExpression: ({ start, end, id }) => sized(start, end, id?.name),
      ArrowFunctionExpression: ({ start, end }) => sized(start, end),
    };
  }

  #referenceVisitor(): VisitorObject {
    return {
      Identifier: ({ name, start }) => void this.#identifiers.push({ name, start }),
      MemberExpression: ({ object, property, computed }) => {
        if (computed) return;
        this.#propertyName(property);
        if (object.type === 'Identifier') this.#memberNames.set(object.start, `${object.name}.${property.name}`);
      },
      NewExpression: ({ callee, arguments: given }) => {
        if (callee.type === 'Identifier' && callee.name === 'Date' && given.length === 0)
          this.#emptyDates.add(callee.start);
      },
      TSPropertySignature: ({ key }) => this.#propertyName(key),
      TSMethodSignature: ({ key }) => this.#propertyName(key),
      TSAnyKeyword: ({ start }) => void this.anyTypes.push({ what: 'any', line: this.#lineAt(start) }),
      Literal: ({ value }) => {
        if (typeof value === 'string') this.strings.add(value);
      },
      CallExpression: (call) => {
        const what = skipOf(call);
        if (what !== null) this.skips.push({ what, line: this.#lineAt(call.start) });
        const timer = bareTimerOf(call);
        if (timer !== null) this.bareTimers.push({ what: timer, line: this.#lineAt(call.start) });
      },
    };
  }

  #propertyName(key: { readonly type: string; readonly start: number }, computed = false): void {
    if (key.type === 'Identifier' && !computed) this.#propertyNames.add(key.start);
  }
}

type CallExpression = Parameters<NonNullable<VisitorObject['CallExpression']>>[0];

const TIMERS = new Set(['setTimeout', 'setInterval', 'setImmediate']);

/** A timer whose callback may throw: nobody would catch that. A promise's `resolve` cannot. */
function bareTimerOf({ callee, arguments: [work] }: CallExpression): string | null {
  if (callee.type !== 'Identifier' || !TIMERS.has(callee.name) || work === undefined) return null;
  const safe = work.type === 'CallExpression' && work.callee.type === 'Identifier' && work.callee.name === 'safely';
  return safe || (work.type === 'Identifier' && work.name === 'resolve') ? null : callee.name;
}

const TEST_WORDS = new Set(['test', 'it', 'describe', 'suite', 'bench']);
const LEAVING_OUT = new Set(['skip', 'only', 'todo', 'skipIf', 'runIf']);

/**
 * How a call leaves tests out: `test.only`, `describe.skipIf`, or the context's `skip` without a
 * reason: `skip('reason')` and `skip(condition, reason)` print one.
 */
function skipOf({ callee, arguments: given }: CallExpression): string | null {
  const [first] = given;
  const literal = first?.type === 'TemplateLiteral' || (first?.type === 'Literal' && typeof first.value === 'string');
  const reasoned = given.length === 2 || literal;
  if (callee.type === 'Identifier') return callee.name === 'skip' && !reasoned ? 'skip' : null;
  if (callee.type !== 'MemberExpression' || callee.computed || callee.object.type !== 'Identifier') return null;
  const { name } = callee.object;
  const property = 'name' in callee.property ? callee.property.name : '';
  if (TEST_WORDS.has(name) && LEAVING_OUT.has(property)) return `${name}.${property}`;
  return property === 'skip' && /^(ctx|context|task)$/.test(name) && !reasoned ? 'skip' : null;
}
