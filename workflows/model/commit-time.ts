// Commit times are microseconds since the Unix epoch in memory (a safe integer until the year 2255). Where they are stored
// they are ISO 8601 in UTC with six decimals, so text order is time order.

/** `2026-01-31T23:59:59.123456Z` from microseconds since 1970-01-01 UTC. */
export function isoFromMicros(micros: number): string {
  const millis = Math.floor(micros / 1000);
  const rest = micros - millis * 1000;
  return `${new Date(millis).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

/** The inverse of `isoFromMicros`. */
export function microsFromIso(iso: string): number {
  const fraction = /\.(\d{3})(\d{3})Z$/.exec(iso);
  return Date.parse(iso) * 1000 + (fraction ? Number(fraction[2]) : 0);
}

/** The later of an effective time and a commit time: clocks step back, effective time never does. */
export function laterIso(a: string | null, b: string): string {
  return a !== null && a > b ? a : b;
}
