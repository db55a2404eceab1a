import { expect, test } from 'vitest';
import { entityLine } from '../../workers/cli/deployment-text.ts';
import { mergeEntity } from '../../workers/temporal/entity-workflow.ts';

const MERGE = mergeEntity('shop', 'second');
const NOW = { heartbeatTimeoutSeconds: 12, searchAttributes: true };

test.each([
  [{ tag: 'missing' }, '+ merge/shop starts'],
  [
    { tag: 'elsewhere', taskQueue: 'walflow-warehouse-main' },
    '~ merge/shop moves from queue walflow-warehouse-main to walflow-warehouse-second',
  ],
  [
    { tag: 'outdated', settings: { heartbeatTimeoutSeconds: 30, searchAttributes: true } },
    '~ merge/shop: heartbeat timeout 30 s → 12 s',
  ],
  [
    { tag: 'outdated', settings: { heartbeatTimeoutSeconds: 30, searchAttributes: false } },
    '~ merge/shop: heartbeat timeout 30 s → 12 s, search attributes off → on',
  ],
  [{ tag: 'outdated', settings: null }, '~ merge/shop: heartbeat timeout → 12 s, search attributes → on'],
  [{ tag: 'current' }, '= merge/shop runs as configured'],
] as const)('deploy says of a workflow that was %o: %s', (before, line) => {
  expect(entityLine(MERGE, before, NOW)).toBe(line);
});
