// The grammar of placeholders in an asset's SQL: `{dep/key}`, `{start}`, `{end}`, `{partition}`. Braces in texts, quoted names and comments
// belong to the SQL, and so do those around a quote, a colon or nothing: {'a': 1}, {a: 1}, map {}.

/** A piece of an asset's SQL; all pieces in order are the whole SQL. */
export type SqlPiece =
  | { readonly tag: 'text'; readonly text: string }
  /** `name` is the text between the braces. */
  | { readonly tag: 'placeholder'; readonly name: string };

/** The bounds of the partition that is computed, and its key. No asset can have one of these as its key. */
export const RANGE_WORDS = ['start', 'end', 'partition'] as const;

export function isRangeWord(name: string): name is (typeof RANGE_WORDS)[number] {
  return RANGE_WORDS.some((word) => word === name);
}

/** In a check: the asset's table, and what a step is about to publish. No asset can have one of these as its key. */
export const CHECK_WORDS = ['this', 'new'] as const;

export function isCheckWord(name: string): name is (typeof CHECK_WORDS)[number] {
  return CHECK_WORDS.some((word) => word === name);
}

/** A token to skip as a whole (https://www.postgresql.org/docs/17/sql-syntax-lexical.html), or a placeholder. */
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

/** What `placeholderName` writes. */
const ENCODED = /%(?:7B|7D|27|22|3A)/g;

/** A key as written between braces: characters that would end or break the placeholder are percent-encoded. */
export function placeholderName(key: string): string {
  return key.replaceAll(/[{}'":]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The keys between the braces of SQL, each once. */
export function keysIn(sql: string): readonly string[] {
  const names = piecesOf(sql).flatMap((piece) => (piece.tag === 'placeholder' ? [piece.name] : []));
  const keys = names.filter((name) => !isRangeWord(name)).map((name) => name.replaceAll(ENCODED, decodeURIComponent));
  return [...new Set(keys)];
}

/** Block comments can contain block comments; one without an end reaches to the end of the SQL. */
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
