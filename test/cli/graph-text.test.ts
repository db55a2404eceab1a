import { expect, test } from 'vitest';
import { graphMermaid, graphTree } from '../../workers/cli/graph-text.ts';
import type { GraphView } from '../../workers/http/backend.ts';

const GRAPH: GraphView = {
  nodes: [
    { key: 'shop/public.orders', kind: 'captured', status: 'current' },
    { key: 'shop/public.users', kind: 'captured', status: 'missing' },
    { key: 'mart/revenue', kind: 'derived', status: 'stale' },
    { key: 'mart/report', kind: 'derived', status: 'current' },
    { key: 'mart/users', kind: 'derived', status: 'missing' },
  ],
  edges: [
    { from: 'shop/public.orders', to: 'mart/revenue', mapping: 'daily by created_at' },
    { from: 'shop/public.users', to: 'mart/revenue', mapping: 'whole' },
    { from: 'shop/public.users', to: 'mart/users', mapping: 'whole' },
    { from: 'mart/revenue', to: 'mart/report', mapping: 'whole' },
  ],
};

test('a tree draws what several assets read once', () => {
  expect(graphTree(GRAPH).split('\n')).toEqual([
    'shop/public.orders (current)',
    '└─ mart/revenue (stale)',
    '   └─ mart/report (current)',
    'shop/public.users (missing)',
    '├─ mart/revenue (stale) ↑',
    '└─ mart/users (missing)',
  ]);
});

test('Mermaid gets ids of its own, and texts in quotes', () => {
  const [first, ...others] = GRAPH.nodes;
  const graph = { ...GRAPH, nodes: [{ ...first, key: 'shop/public.a"#b' }, ...others] } as GraphView;
  expect(graphMermaid(graph).split('\n').slice(0, 3)).toEqual([
    ...['flowchart LR', '  a0[("shop/public.a#quot;#35;b")]', '  a1[("shop/public.users")]'],
  ]);
  expect(graphMermaid(GRAPH)).toContain('  a0 -->|"daily by created_at"| a2');
});
