// What documents promise: links that lead somewhere, files and scripts that exist, the ports the product really uses.

import { posix } from 'node:path';

export interface Document {
  readonly path: string;
  readonly text: string;
}

/** Settings and their defaults, as the product promises them. */
export const PORTS: Readonly<Record<string, number>> = {
  WALFLOW_HTTP_PORT: 4400,
  WALFLOW_INGEST_HTTP_PORT: 4401,
  WALFLOW_PGWIRE_PORT: 5439,
  WALFLOW_POSTGRES_PORT: 5438,
  WALFLOW_S3_PORT: 8333,
  WALFLOW_TEMPORAL_PORT: 7233,
  WALFLOW_TEMPORAL_UI_PORT: 8233,
};

/** Servers beside walflow's own: a user's Postgres, Prometheus, Grafana. */
const FOREIGN_PORTS = [5432, 9090, 3000];

/** Relative links whose file, folder or heading does not exist. */
export function linkViolations(documents: readonly Document[], paths: ReadonlySet<string>): readonly string[] {
  const headings = new Map(documents.map(({ path, text }) => [path, anchorsOf(text)]));
  return documents.flatMap(({ path, text }) =>
    linksOf(text).flatMap((link) => {
      const [file = '', anchor = ''] = link.split('#');
      const target = file === '' ? path : posix.normalize(posix.join(posix.dirname(path), file)).replace(/\/$/, '');
      if (!paths.has(target) && !isFolder(target, paths)) return [`${path}: link to ${link}, which does not exist`];
      const known = headings.get(target);
      return anchor !== '' && known !== undefined && !known.has(anchor) ? [`${path}: no heading for ${link}`] : [];
    }),
  );
}

function isFolder(target: string, paths: ReadonlySet<string>): boolean {
  return [...paths].some((path) => path.startsWith(`${target}/`));
}

function linksOf(text: string): readonly string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^[a-z]+:/.test(link));
}

/** GitHub's anchor of a heading: lower case, blanks to dashes, everything but letters, digits, `-`, `_` removed. */
function anchorsOf(text: string): ReadonlySet<string> {
  const titles = [...withoutBlocks(text).matchAll(/^#{1,6} +(.+)$/gm)].map((match) => match[1] ?? '');
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\- _]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function withoutCode(text: string): string {
  return withoutBlocks(text).replace(/`[^`\n]*`/g, '`code`');
}

function withoutBlocks(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}

/** Paths in code spans (`activities/wal/pgoutput.ts`) that name no file of the repository. */
export function pathViolations(documents: readonly Document[], paths: ReadonlySet<string>): readonly string[] {
  const sourcePath = /`((?:workflows|activities|workers|test|ops|docs|examples)\/[\w./-]*[\w-])\/?`/g;
  return documents.flatMap(({ path, text }) =>
    [...text.matchAll(sourcePath)]
      .map((match) => match[1] ?? '')
      .filter((named) => !paths.has(named) && !isFolder(named, paths))
      .map((named) => `${path}: names ${named}, which does not exist`),
  );
}

export function scriptViolations(documents: readonly Document[], scripts: ReadonlySet<string>): readonly string[] {
  return documents.flatMap(({ path, text }) =>
    [...text.matchAll(/npm (?:run (?:-\S+ )*(\w[\w:-]*)|(start|test)\b)/g)]
      .map((match) => match[1] ?? match[2] ?? '')
      .filter((script) => !scripts.has(script))
      .map((script) => `${path}: names npm script ${script}, which does not exist`),
  );
}

export function portViolations(documents: readonly Document[]): readonly string[] {
  const known = new Set([...Object.values(PORTS), ...FOREIGN_PORTS]);
  return documents.flatMap(({ path, text }) => [
    ...[...text.matchAll(/(WALFLOW_\w+_PORT)\W{1,8}(\d{2,5})\b/g)]
      .filter(([, setting = '', port]) => PORTS[setting] !== Number(port))
      .map(([, setting, port]) => `${path}: ${setting} is not ${port}`),
    ...[...text.matchAll(/(?:localhost|127\.0\.0\.1):(\d{2,5})\b/g)]
      .filter(([, port]) => !known.has(Number(port)))
      .map(([address]) => `${path}: nothing of walflow listens on ${address}`),
  ]);
}
