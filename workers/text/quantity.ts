// Numbers the way people read them: 1.2 MB, 340 ms, 12,345. Pure.

const KILO = 1_000;
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Decimal units, two to three digits: `0 B`, `1.2 MB`, `340 GB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= KILO;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : short(value)} ${UNITS[unit]}`;
}

/** `340 ms`, `1.5 s`, `4 min`, `3.2 h`, `5 d`. */
export function durationText(ms: number): string {
  if (ms < KILO) return `${Math.round(ms)} ms`;
  const seconds = ms / KILO;
  if (seconds < 99.5) return `${short(seconds)} s`;
  const minutes = seconds / 60;
  if (minutes < 99.5) return `${short(minutes)} min`;
  const hours = minutes / 60;
  return hours < 47.5 ? `${short(hours)} h` : `${short(hours / 24)} d`;
}

/** A duration in seconds; `–` for one that is not known. */
export function ageText(seconds: number | null): string {
  return seconds === null ? '–' : durationText(seconds * KILO);
}

/** `12,345`; one decimal below ten. */
export function countText(value: number): string {
  const rounded = value < 10 ? Math.round(value * 10) / 10 : Math.round(value);
  return rounded.toLocaleString('en-US');
}

/** `13 of 14`: how many of the known partitions are current. */
export function currentText({ current, total }: { readonly current: number; readonly total: number }): string {
  return `${countText(current)} of ${countText(total)}`;
}

function short(value: number): string {
  return value < 9.95 ? value.toFixed(1).replace(/\.0$/, '') : String(Math.round(value));
}
