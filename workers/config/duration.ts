// Durations as written in the configuration: '30 seconds', '2 minutes', '1.5 h'. Pure.

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['millisecond', 1],
  ['s', 1_000],
  ['second', 1_000],
  ['min', 60_000],
  ['minute', 60_000],
  ['h', 3_600_000],
  ['hour', 3_600_000],
  ['d', 86_400_000],
  ['day', 86_400_000],
]);

/** Milliseconds; null when the text is not one positive number and one unit (singular or plural). */
export function parseDuration(text: string): number | null {
  const [, amount, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text) ?? [];
  const name = unit.toLowerCase();
  const unitMs = UNIT_MS.get(name) ?? UNIT_MS.get(name.replace(/s$/, ''));
  const ms = amount === undefined || unitMs === undefined ? 0 : Math.round(Number(amount) * unitMs);
  return ms > 0 && Number.isSafeInteger(ms) ? ms : null;
}
