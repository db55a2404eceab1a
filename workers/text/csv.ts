// Rows as CSV for the warehouse's reader: every value is quoted and NULL is empty, so an empty text and a NULL differ.

/** One line with its newline; quotes inside a value are doubled (RFC 4180). */
export function csvLine(values: readonly (string | null)[]): string {
  return `${values.map((value) => (value === null ? '' : `"${value.replaceAll('"', '""')}"`)).join(',')}\n`;
}
