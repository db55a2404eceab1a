// Aligned columns and CSV for people and pipes. Pure text; widths are counted in code points a terminal shows.

export interface TextColumn {
  readonly name: string;
  readonly align?: 'left' | 'right';
}

/** A cell wider than this is cut in tables, never in JSON or CSV. */
const MAX_CELL = 60;
const GAP = '  ';

/**
 * A header, a rule and one line per row, without trailing blanks. Line breaks and control characters inside a cell are
 * written as escapes: a value must not move the cursor of the reader's terminal.
 */
export function textTable(columns: readonly TextColumn[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => columns.map((_, i) => shown(row[i] ?? '')));
  const names = columns.map(({ name }) => shown(name));
  const widths = names.map((name, i) => Math.max(length(name), ...cells.map((row) => length(row[i] ?? ''))));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => padded(cell, widths[i] ?? 0, columns[i]?.align ?? 'left'))
      .join(GAP)
      .trimEnd();
  return [line(names), widths.map((width) => '─'.repeat(width)).join(GAP), ...cells.map(line)].join('\n');
}

/** RFC 4180 with `\n` ends; NULL is an empty field, an empty text is `""`, so the two stay apart. */
export function csv(header: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  return [header, ...rows].map((row) => row.map(csvField).join(',')).join('\n');
}

function csvField(value: string | null): string {
  if (value === null) return '';
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

function padded(text: string, width: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, width - length(text)));
  return align === 'right' ? blanks + text : text + blanks;
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function shown(text: string): string {
  const safe = text.replace(
    /[\p{Cc}\p{Cf}]/gu,
    (character) => ESCAPES[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
  const points = [...safe];
  return points.length > MAX_CELL ? `${points.slice(0, MAX_CELL - 1).join('')}…` : safe;
}

const length = (text: string) => [...text].length;
