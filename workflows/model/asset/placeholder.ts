// The placeholders in an asset's SQL: `{dep/key}`, `{start}`, `{end}`. This is their one grammar. Braces in texts, quoted
// names and comments are the SQL's own, and so are those around a quote, a colon or nothing: {'a': 1}, {a: 1}, map {}.

/** A piece of an asset's SQL; the pieces in their order are all of it. */
export type SqlPiece =
  | { readonly tag: 'text'; readonly text: string }
  /** `name` is what stands between the braces. */
  | { readonly tag: 'placeholder'; readonly name: string };

/** The bounds of the partition that is computed: no asset can have one of these as its key. */
export const RANGE_WORDS: readonly string[] = ['start', 'end'];

/** What is skipped as a whole (https://www.postgresql.org/docs/17/sql-syntax-lexical.html), or is a placeholder. */
const TOKENS = new RegExp(
  [
    String.raw`(?<![\w$])[eE]'(?:[^'\\]|''|\\[^])*'`,
    `'(?:[^']|'')*'`,
    `"(?:[^"]|"")*"`,
    String.raw`(?<![\w$])(\$(?:[A-Za-z_]\w*)?\$)[^]*?\1`,
    `--[^\\n]*`,
    `/\\*`,
    String.raw`\{([^{}'":]*[^{}'":\s][^{}'":]*)\}`,
  ].join('|'),
  'g',
);

/** Cuts SQL at its placeholders. */
export function piecesOf(sql: string): readonly SqlPiece[] {
  const pieces: SqlPiece[] = [];
  let textFrom = 0;
  TOKENS.lastIndex = 0;
  for (let token = TOKENS.exec(sql); token !== null; token = TOKENS.exec(sql)) {
    if (token[0] === '/*') TOKENS.lastIndex = commentEnd(sql, token.index);
    const name = token[2];
    if (name === undefined) continue;
    pieces.push({ tag: 'text', text: sql.slice(textFrom, token.index) }, { tag: 'placeholder', name: name.trim() });
    textFrom = TOKENS.lastIndex;
  }
  return [...pieces, { tag: 'text', text: sql.slice(textFrom) }];
}

/** How a key is written between braces: what would end or void the placeholder is percent-encoded. */
export function placeholderName(key: string): string {
  return key.replaceAll(/[{}'":]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Block comments hold block comments; one without an end goes on to the end of the SQL. */
function commentEnd(sql: string, from: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = from;
  let depth = 0;
  for (let mark = marks.exec(sql); mark !== null; mark = marks.exec(sql)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return sql.length;
}
