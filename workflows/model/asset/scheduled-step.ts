// What a schedule materializes at a tick: the assets of its selection, and of each the partitions that ended.

import { WalflowError } from '../errors.ts';
import type { LoadedCaptured } from './definition.ts';
import { endedPartitions, type Span } from './ended-partition.ts';
import type { AssetGraph, AssetNode, DerivedAsset } from './graph.ts';
import type { PartitionKey } from './partition.ts';
import { type SelectableAsset, type Selection, selectAssets } from './selection.ts';
import { parseSelection } from './selection-parser.ts';

export interface ScheduledStep {
  readonly asset: DerivedAsset;
  /** None of an asset without partitions: it is computed as a whole. */
  readonly partitions?: readonly PartitionKey[];
}

/**
 * The derived assets of a selection, in the order of the graph.
 * @throws WalflowError SELECTION_INVALID, also for one that asks for a state: at a tick it could be any. ASSET_UNKNOWN
 */
export function scheduledAssets(graph: AssetGraph, text: string): readonly DerivedAsset[] {
  const selection = parseSelection(text);
  if (asksForStatus(selection)) {
    throw new WalflowError('SELECTION_INVALID', `the selection ${text} asks for a status, which changes all the time`, {
      hint: 'name assets by key, group, tag, owner, kind or pipeline',
    });
  }
  const read = graph.made.flatMap(({ reads }) => reads.map(({ from }) => from));
  const nodes = new Map<string, AssetNode>([...read, ...graph.made].map((node) => [node.key, node]));
  const described = new Map(graph.described.map((table) => [table.key, table]));
  const all = [...nodes.values()].map((node) => selectable(node, described.get(node.key)));
  const selected = new Set(selectAssets(selection, all).map(({ key }) => key));
  return graph.derived.filter(({ key }) => selected.has(key));
}

function asksForStatus(selection: Selection): boolean {
  switch (selection.tag) {
    case 'key':
      return false;
    case 'attribute':
      return selection.attribute === 'status';
    case 'roots':
    case 'sinks':
      return selection.of !== null && asksForStatus(selection.of);
    case 'walk':
    case 'not':
      return asksForStatus(selection.of);
    case 'and':
    case 'or':
      return asksForStatus(selection.left) || asksForStatus(selection.right);
  }
}

function selectable(node: AssetNode, described: LoadedCaptured | undefined): SelectableAsset {
  const { owners, tags } = node.tag === 'captured' ? (described ?? {}) : node.definition;
  const [group, deps] =
    node.tag === 'captured' ? [node.pipeline, []] : [node.group, node.reads.map(({ from }) => from.key)];
  return {
    ...{ key: node.key, kind: kindOf(node), deps, status: '' },
    ...(group === null ? {} : { group }),
    ...(node.tag === 'captured' ? { pipeline: node.pipeline } : {}),
    ...(owners === undefined ? {} : { owners }),
    ...(tags === undefined ? {} : { tags }),
  };
}

const kindOf = (node: AssetNode) => (node.tag === 'derived' && node.definition.kind === 'seed' ? 'seed' : node.tag);

/** Of assets with partitions by time those that ended in the span; an asset of which none did has no step. */
export function scheduledSteps(assets: readonly DerivedAsset[], span: Span): readonly ScheduledStep[] {
  return assets.flatMap((asset): readonly ScheduledStep[] => {
    const { partitions: division } = asset.definition;
    if (division === undefined) return [{ asset }];
    const partitions = endedPartitions(division, span);
    return partitions.length === 0 ? [] : [{ asset, partitions }];
  });
}
