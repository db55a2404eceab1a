import { expect, test } from 'vitest';
import { linkViolations, pathViolations, portViolations, scriptViolations } from './document-rules.ts';

const paths = new Set(['README.md', 'docs/guide.md', 'workers/cli/main.ts']);
const readme = (text: string) => [{ path: 'README.md', text }];

test('links to files, folders, headings and the outside are followed', () => {
  const text =
    '# A `title`, here\n[a](docs/guide.md) [b](docs/) [c](#a-title-here) [d](https://example.com/x) `[e](nowhere.md)`';
  expect(linkViolations(readme(text), paths)).toEqual([]);
});

test.each(['[a](docs/gone.md)', '[a](#gone)', '[a](../outside.md)'])('%s leads nowhere', (text) => {
  expect(linkViolations(readme(text), paths)).toHaveLength(1);
});

test('a link is read from the folder of its document', () => {
  expect(linkViolations([{ path: 'docs/guide.md', text: '[a](../README.md)' }], paths)).toEqual([]);
});

test('a path in a code span must exist', () => {
  expect(pathViolations(readme('`workers/cli/main.ts`, `workers/cli/`, `.walflow/logs`'), paths)).toEqual([]);
  expect(pathViolations(readme('`workers/cli/gone.ts`'), paths)).toEqual([
    'README.md: names workers/cli/gone.ts, which does not exist',
  ]);
});

test('a script that package.json does not have is told', () => {
  expect(scriptViolations(readme('npm run -s bench, npm test'), new Set(['bench', 'test']))).toEqual([]);
  expect(scriptViolations(readme('npm run gone'), new Set(['bench']))).toHaveLength(1);
});

test.each(['`WALFLOW_HTTP_PORT` 4401', 'WALFLOW_S3_PORT:-9000', 'http://127.0.0.1:4499/'])(
  '%s is a wrong port',
  (text) => {
    expect(portViolations(readme(text))).toHaveLength(1);
  },
);

test('the promised ports are accepted', () => {
  expect(
    portViolations(readme('`WALFLOW_HTTP_PORT` 4400, http://127.0.0.1:4400, WALFLOW_POSTGRES_PORT:-5438')),
  ).toEqual([]);
});
