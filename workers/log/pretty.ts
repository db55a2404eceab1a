// A log line for people: `17:26:07.123 info  ingest  manifest landed  pipeline=shop seq=12`. Pure.

const COLOURS: Readonly<Record<string, number>> = { trace: 90, debug: 90, info: 32, warn: 33, error: 31, fatal: 31 };
const QUIET = 90;
/** Fields that have their own place in the line. */
const PLACED = new Set(['time', 'level', 'msg', 'role', 'err']);

/** @param line one JSON object of the logger; anything else is returned unchanged */
export function prettyLine(line: string, colors: boolean): string {
  const entry = parsed(line);
  if (entry === null) return line;
  const paint = (text: string, colour: number | undefined) =>
    colors && colour !== undefined ? `\u001b[${colour}m${text}\u001b[0m` : text;
  const level = String(entry.level ?? '');
  const fields = Object.entries(entry).filter(([name]) => !PLACED.has(name));
  const parts = [
    paint(String(entry.time ?? '').slice(11, 23), QUIET),
    paint(level.padEnd(5), COLOURS[level]),
    ...(entry.role === undefined ? [] : [paint(String(entry.role).padEnd(9), QUIET)]),
    oneLine(String(entry.msg ?? '')),
    ...(fields.length === 0 ? [] : [paint(fields.map(([name, value]) => `${name}=${shown(value)}`).join(' '), QUIET)]),
  ];
  return `${parts.join(' ')}\n${stackOf(entry.err)}`;
}

function parsed(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}

function shown(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return /^[\w./:%@*+-]+$/.test(value) ? value : JSON.stringify(value);
}

/** Messages can quote what a server sent: that must not move the cursor or fake a line. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

function stackOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('stack' in error)) return '';
  const lines = String(error.stack).split('\n');
  return lines.map((line) => `    ${oneLine(line)}\n`).join('');
}
