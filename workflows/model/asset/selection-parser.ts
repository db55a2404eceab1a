// The syntax of selections (docs/commands.md). Precedence: `not`, then `and`, then `or`; `+` belongs to what it touches.

import { WalflowError } from '../errors.ts';
import { ATTRIBUTES, type Selection } from './selection.ts';

interface Token {
  readonly text: string;
  /** Place in the selection, from 0. */
  readonly at: number;
}

/** A word may be quoted, in whole or in part: `owner:"team finance"`. */
const TOKEN = /\s*([()+]|(?:"[^"]*"|[^\s()+"])+|")/y;
const DEPTH = /^\d+$/;
const OPERATORS: ReadonlySet<string> = new Set(['and', 'or', ')']);

/**
 * Reads a selection.
 * @throws WalflowError SELECTION_INVALID, with the place marked.
 */
export function parseSelection(text: string): Selection {
  const parser = new Parser(text);
  const selection = parser.either();
  parser.end();
  return selection;
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  either(): Selection {
    let left = this.#both();
    while (this.#take('or')) left = { tag: 'or', left, right: this.#both() };
    return left;
  }

  end(): void {
    if (this.#peek() !== undefined) throw this.#unexpected('and, or, or the end');
  }

  #both(): Selection {
    let left = this.#negated();
    while (this.#take('and')) left = { tag: 'and', left, right: this.#negated() };
    return left;
  }

  #negated(): Selection {
    return this.#take('not') ? { tag: 'not', of: this.#negated() } : this.#walk();
  }

  /** `2+key+1`; without a number as far as there is anything. */
  #walk(): Selection {
    const up = this.#depthBefore();
    const of = this.#primary();
    const down = this.#take('+') ? this.#depthAfter() : 0;
    return up === 0 && down === 0 ? of : { tag: 'walk', of, up, down };
  }

  #depthBefore(): number {
    if (this.#take('+')) return Number.POSITIVE_INFINITY;
    const [number, plus] = [this.#peek()?.text ?? '', this.#peek(1)?.text];
    if (plus !== '+' || !DEPTH.test(number)) return 0;
    this.#next += 2;
    return Number(number);
  }

  #depthAfter(): number {
    const number = this.#peek()?.text ?? '';
    if (!DEPTH.test(number)) return Number.POSITIVE_INFINITY;
    this.#next += 1;
    return Number(number);
  }

  #primary(): Selection {
    if (this.#take('(')) {
      const inner = this.either();
      this.#expect(')');
      return inner;
    }
    const token = this.#peek();
    if (token === undefined || OPERATORS.has(token.text) || token.text === '+' || token.text === '"') {
      throw this.#unexpected('an asset');
    }
    this.#next += 1;
    const { text } = token;
    if ((text === 'roots' || text === 'sinks') && this.#take('(')) return this.#ends(text);
    return wordOf(text) ?? this.#unknownAttribute(token);
  }

  #ends(tag: 'roots' | 'sinks'): Selection {
    if (this.#take(')')) return { tag, of: null };
    const of = this.either();
    this.#expect(')');
    return { tag, of };
  }

  #peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#next + ahead];
  }

  #take(text: string): boolean {
    if (this.#peek()?.text !== text) return false;
    this.#next += 1;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw this.#unexpected(`"${text}"`);
  }

  #unexpected(wanted: string): WalflowError {
    const at = this.#peek()?.at ?? this.#text.length;
    return this.#fault(at, `expected ${wanted}${at === this.#text.length ? ', but it ends' : ''}`);
  }

  #unknownAttribute({ text, at }: Token): never {
    const name = text.slice(0, text.indexOf(':'));
    throw this.#fault(at, `"${name}" is none of ${ATTRIBUTES.join(', ')}`);
  }

  #fault(at: number, what: string): WalflowError {
    const marked = `${this.#text.slice(0, at)}▸${this.#text.slice(at)}`;
    return new WalflowError('SELECTION_INVALID', `the selection ${marked} cannot be read at ▸: ${what}`);
  }
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const token = match[1] ?? '';
    tokens.push({ text: token, at: TOKEN.lastIndex - token.length });
  }
  return tokens;
}

/** Null for `name:value` with a name that is no attribute. */
function wordOf(text: string): Selection | null {
  const colon = /^[^":]*(?=:)/.exec(text)?.[0].length;
  const unquoted = (part: string) => part.replaceAll('"', '');
  if (colon === undefined) return { tag: 'key', pattern: unquoted(text) };
  const attribute = ATTRIBUTES.find((name) => name === text.slice(0, colon));
  return attribute === undefined ? null : { tag: 'attribute', attribute, value: unquoted(text.slice(colon + 1)) };
}
