// An asset graph as text: a tree for the terminal, or a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html). Pure.

import type { GraphEdge, GraphView } from '../http/backend.ts';

/** From what reads nothing down to what is read by none. What several assets read is drawn once, and named below the others. */
export function graphTree({ nodes, edges }: GraphView): string {
  const readers = Map.groupBy(edges, ({ from }) => from);
  const read = new Set(edges.map(({ to }) => to));
  const states = new Map(nodes.map(({ key, status }) => [key, status]));
  const drawn = new Set<string>();
  const branch = (key: string, line: string, indent: string): readonly string[] => {
    const below = readers.get(key) ?? [];
    const again = drawn.has(key) && below.length > 0;
    drawn.add(key);
    const text = `${line}${key} (${states.get(key)})${again ? ' ↑' : ''}`;
    return again ? [text] : [text, ...below.flatMap((edge, i) => twig(edge, i === below.length - 1, indent))];
  };
  const twig = ({ to }: GraphEdge, last: boolean, indent: string) =>
    branch(to, `${indent}${last ? '└─ ' : '├─ '}`, `${indent}${last ? '   ' : '│  '}`);
  return nodes
    .filter(({ key }) => !read.has(key))
    .flatMap(({ key }) => branch(key, '', ''))
    .join('\n');
}

/** A store, a box, a box without corners, a leaning box. */
const SHAPES: Readonly<Record<GraphView['nodes'][number]['kind'], (text: string) => string>> = {
  captured: (text) => `[(${text})]`,
  derived: (text) => `[${text}]`,
  view: (text) => `(${text})`,
  seed: (text) => `[/${text}/]`,
};

export function graphMermaid({ nodes, edges }: GraphView): string {
  const ids = new Map(nodes.map(({ key }, i) => [key, `a${i}`]));
  return [
    'flowchart LR',
    ...nodes.map(({ key, kind }) => `  ${ids.get(key)}${SHAPES[kind](quoted(key))}`),
    ...edges.map(({ from, to, mapping }) => `  ${ids.get(from)} -->|${quoted(mapping)}| ${ids.get(to)}`),
  ].join('\n');
}

/** Inside quotes only these two have a meaning. */
const quoted = (text: string) => `"${text.replaceAll('#', '#35;').replaceAll('"', '#quot;')}"`;
