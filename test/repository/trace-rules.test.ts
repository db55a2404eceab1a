import { expect, test } from 'vitest';
import { lockViolations, traceViolations } from './trace-rules.ts';

const traces = (text: string) => traceViolations([{ path: 'README.md', text }]);

test.each([
  'cd /home/ann/walflow',
  'cd /root/walflow',
  'in /work/main',
  '/tmp/wheels/bin/weed',
  'https://registry.npmjs.org/pg',
])('%s is a trace of one machine', (text) => {
  expect(traces(text)).toHaveLength(1);
});

test.each(['https://example.com/work/main', '/tmp/walflow/data', 'lib/root/a', 'a/home/page.ts'])(
  '%s is none',
  (text) => {
    expect(traces(text)).toEqual([]);
  },
);

test('a lock with addresses or without integrity is told', () => {
  expect(lockViolations({ '': {}, 'node_modules/a': { integrity: 'sha512-x' } })).toEqual([]);
  expect(lockViolations({ 'node_modules/a': { integrity: 'sha512-x', resolved: 'https://x' } })).toHaveLength(1);
  expect(lockViolations({ 'node_modules/a': {} })).toHaveLength(1);
});
