// The graph for `/api/graph`: the given assets, and the edges between them.

import type { AssetEdge, AssetGraph } from '../../workflows/model/asset/graph.ts';
import type { AssetStatus, GraphView } from '../http/backend.ts';

export function graphView(graph: AssetGraph, assets: readonly AssetStatus[]): GraphView {
  const shown = new Set(assets.map(({ key }) => key));
  const edges = graph.made.flatMap(({ reads }) => reads);
  return {
    nodes: assets.map(({ key, kind, status, group }) => ({
      ...{ key, kind, status },
      ...(group === undefined ? {} : { group }),
    })),
    edges: edges
      .filter(({ from, to }) => shown.has(from.key) && shown.has(to))
      .map((edge) => ({ from: edge.from.key, to: edge.to, mapping: mappingText(edge) })),
  };
}

function mappingText({ touch }: AssetEdge): string {
  switch (touch.tag) {
    case 'whole':
      return 'whole';
    case 'none':
      return 'lookup';
    case 'partitions':
      return `${touch.partitions.kind} by ${touch.columns.join(', ')}`;
    case 'mapped':
      return touch.mapping.every((one) => one.kind === 'same' && one.start === 0 && one.end === 0)
        ? 'same partition'
        : 'mapped partitions';
  }
}
