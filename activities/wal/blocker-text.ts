// Whom a wait at the source is for, in words: whom an operator may end, without what they execute. Pure.

import type { Blocker } from './postgres/blockers.ts';

/** As many as a person reads. */
const NAMED = 5;

export function blockersText(blockers: readonly Blocker[]): string {
  const named = blockers.slice(0, NAMED).map(blockerText);
  const more = blockers.length > NAMED ? `, and ${blockers.length - NAMED} more` : '';
  return `${named.join(', ')}${more}`;
}

function blockerText({ pid, prepared, database, applicationName, user, state, seconds }: Blocker): string {
  const who = prepared === null ? `pid ${pid}` : `prepared transaction "${prepared}"`;
  const facts = [applicationName, `user ${user}`, `database ${database}`, state, ageText(seconds)];
  return `${who} (${facts.filter((fact) => fact !== '').join(', ')})`;
}

function ageText(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  return seconds < 6_000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
