// The asset graph, built once after the configuration is loaded. Only it knows what an asset reads and which assets read it,
// in which order assets are computed, which table holds each, and what a changed row makes due.

import { WalflowError } from '../errors.ts';
import { parseTableId, type TableName } from '../relation.ts';
import { type AssetCheck, resolveChecks } from './check.ts';
import { contractChecks } from './contract.ts';
import type { LoadedAsset, LoadedCaptured, LoadedSeed } from './definition.ts';
import { type Dependency, dependencyOf } from './dependency.ts';
import { graphFaults } from './graph-fault.ts';
import { derivedPlace, groupOf, parseCapturedKey } from './key.ts';
import { type DimensionMapping, resolveMapping } from './mapping.ts';
import { columnsOf, outputsOf, type Partitions } from './partitioning.ts';
import { isRangeWord, piecesOf, placeholderName } from './placeholder.ts';
import { baseColumns } from './view-column.ts';

/** A captured table that some derived asset reads. */
export interface CapturedAsset {
  readonly tag: 'captured';
  readonly key: string;
  readonly pipeline: string;
  /** As `tableId` writes it. */
  readonly table: string;
  /** The table that holds its rows. */
  readonly place: TableName;
}

/** What a derived asset and a view have in common. */
interface MadeAsset {
  readonly key: string;
  readonly group: string | null;
  readonly place: TableName;
  readonly definition: LoadedAsset;
  /** One per dependency, in their declared order. */
  readonly reads: readonly AssetEdge[];
  /** The tables whose changes make it due, and lookups: instead of a view those that it reads, itself or through other views. */
  readonly inputs: readonly AssetEdge<BaseAsset>[];
  readonly sql: readonly SqlPart[];
  /** The pipeline whose lake keeps its records: that of the first captured table above it. */
  readonly pipeline: string | null;
}

export interface DerivedAsset extends MadeAsset {
  readonly tag: 'derived';
  readonly checks: readonly AssetCheck[];
}

export interface ViewAsset extends MadeAsset {
  readonly tag: 'view';
}

/** One that holds rows. */
export type BaseAsset = CapturedAsset | DerivedAsset;
export type AssetNode = BaseAsset | ViewAsset;

/** `to` reads `from`. */
export interface AssetEdge<From extends AssetNode = AssetNode> {
  readonly from: From;
  /** Key of the asset that reads. */
  readonly to: string;
  readonly touch: Touch;
}

/** What a changed row of an input makes due. */
export type Touch =
  | { readonly tag: 'whole' }
  /** Of a lookup. */
  | { readonly tag: 'none' }
  /** The partitions of the row's value in `column`, before and after the change. */
  | {
      readonly tag: 'partitions';
      /** One for each dimension. */
      readonly columns: readonly string[];
      /** Where a clock shows what a TIMESTAMP in it says. */
      readonly zone?: string;
      readonly partitions: Partitions;
    }
  /** The partitions that read those of `from` that changed; `columns` hold their keys. */
  | {
      readonly tag: 'mapped';
      readonly columns: readonly string[];
      readonly from: Partitions;
      readonly to: Partitions;
      /** One for each dimension of `to`. */
      readonly mapping: readonly DimensionMapping[];
    };

/** A piece of an asset's SQL, with its placeholders resolved. */
export type SqlPart =
  | { readonly tag: 'text'; readonly text: string }
  | { readonly tag: 'input'; readonly place: TableName }
  | { readonly tag: 'start' }
  | { readonly tag: 'end' }
  | { readonly tag: 'partition' };

export class AssetGraph {
  /** Derived assets and views; each comes after those it reads. */
  readonly made: readonly (DerivedAsset | ViewAsset)[];
  /** Those of them that are tables. */
  readonly derived: readonly DerivedAsset[];
  readonly views: readonly ViewAsset[];
  readonly #derived: ReadonlyMap<string, DerivedAsset>;
  /** Captured tables of which the configuration says something. */
  readonly described: readonly LoadedCaptured[];

  constructor(made: readonly (DerivedAsset | ViewAsset)[], described: readonly LoadedCaptured[]) {
    this.made = made;
    this.derived = made.filter((asset) => asset.tag === 'derived');
    this.views = made.filter((asset) => asset.tag === 'view');
    this.#derived = new Map(this.derived.map((asset) => [asset.key, asset]));
    this.described = described;
  }

  /** The same graph, of which each seed has its file elsewhere. */
  withSeeds(place: (seed: LoadedSeed) => LoadedSeed): AssetGraph {
    const moved = this.made.map((asset) => {
      const { seed } = asset.definition;
      return seed === undefined ? asset : { ...asset, definition: { ...asset.definition, seed: place(seed) } };
    });
    return new AssetGraph(moved, this.described);
  }

  /** @throws WalflowError ASSET_UNKNOWN */
  asset(key: string): DerivedAsset {
    const asset = this.#derived.get(key);
    if (asset === undefined) throw new WalflowError('ASSET_UNKNOWN', `the project has no asset "${key}"`);
    return asset;
  }

  /** From a table to the derived assets that its changes make due. */
  readersOf(key: string): readonly AssetEdge<BaseAsset>[] {
    return this.#touching().filter(({ from }) => from.key === key);
  }

  /** From the captured tables of a pipeline to the derived assets that their changes make due. */
  readersOfPipeline(pipeline: string): readonly AssetEdge<CapturedAsset>[] {
    return this.#touching().flatMap(({ from, ...edge }) =>
      from.tag === 'captured' && from.pipeline === pipeline ? [{ from, ...edge }] : [],
    );
  }

  #touching(): readonly AssetEdge<BaseAsset>[] {
    return this.derived.flatMap(({ inputs }) => inputs.filter(({ touch }) => touch.tag !== 'none'));
  }
}

/**
 * @param pipelines names of the project's pipelines: a dependency that begins with one is a captured table.
 * @param described captured tables of which the configuration says something.
 * @throws WalflowError ASSET_INVALID for definitions in which `graphFaults` finds a fault.
 */
export function buildAssetGraph(
  assets: readonly LoadedAsset[],
  pipelines: ReadonlySet<string>,
  described: readonly LoadedCaptured[] = [],
): AssetGraph {
  const [fault] = graphFaults(assets, pipelines);
  if (fault !== undefined) throw new WalflowError('ASSET_INVALID', `${assets[fault.asset]?.key} ${fault.what}`);
  const definitions = new Map(assets.map((asset) => [asset.key, asset]));
  const nodes = new Map<string, AssetNode>();
  const nodeOf = (key: string): AssetNode => {
    const known = nodes.get(key);
    if (known !== undefined) return known;
    const definition = definitions.get(key);
    const node = definition === undefined ? capturedAsset(key, pipelines) : madeAsset(definition, nodeOf);
    // After its inputs: the order of insertion is the order of the graph.
    nodes.set(key, node);
    return node;
  };
  for (const { key } of assets) nodeOf(key);
  const made = [...nodes.values()].filter((node) => node.tag !== 'captured');
  return new AssetGraph(made, described);
}

function capturedAsset(key: string, pipelines: ReadonlySet<string>): CapturedAsset {
  const captured = parseCapturedKey(key, pipelines);
  const place = captured === null ? null : parseTableId(captured.table);
  if (captured === null || place === null) throw new WalflowError('ASSET_INVALID', `${key} is not a captured table`);
  return { tag: 'captured', key, ...captured, place };
}

function madeAsset(definition: LoadedAsset, nodeOf: (key: string) => AssetNode): DerivedAsset | ViewAsset {
  const { key } = definition;
  const found = definition.deps.map(dependencyOf).map((dep) => edgesOf(definition, dep, nodeOf(dep.key)));
  const reads = found.map(({ read }) => read);
  const views = viewsOf(reads);
  const common = {
    ...{ key, group: groupOf(key), place: derivedPlace(definition), reads },
    inputs: unique(found.flatMap(({ inputs }) => inputs)),
    sql: resolved(definition, reads),
    pipeline: reads.map(({ from }) => from.pipeline).find((pipeline) => pipeline !== null) ?? null,
    definition: {
      ...definition,
      ...readKeys(reads),
      ...(views.length === 0 ? {} : { views: views.map((view) => view.definition) }),
    },
  };
  if (definition.kind === 'view') return { tag: 'view', ...common };
  const places = new Map(reads.map(({ from }) => [from.key, from.place]));
  const { columns = {}, checks = {} } = definition;
  return { tag: 'derived', ...common, checks: [...contractChecks(columns), ...resolveChecks(key, checks, places)] };
}

function readKeys(reads: readonly AssetEdge[]): Pick<LoadedAsset, 'firstKeys'> {
  const renamed = reads.flatMap(({ from }) => {
    const first = from.tag === 'captured' ? undefined : from.definition.previousKeys?.[0];
    return first === undefined ? [] : [[from.key, first] as const];
  });
  return renamed.length === 0 ? {} : { firstKeys: Object.fromEntries(renamed) };
}

/** A dependency as it is declared, and as the tables that it comes to. */
function edgesOf(reader: LoadedAsset, dep: Dependency, from: AssetNode) {
  const edge = <From extends AssetNode>(node: From, touch: Touch) => ({ from: node, to: reader.key, touch });
  if (from.tag !== 'view') {
    const input = edge(from, touchOf(reader, dep, from));
    return { read: input, inputs: [input] };
  }
  const inputs = from.inputs.map(({ from: base, touch }) =>
    edge(base, touch.tag === 'none' ? touch : touchThrough(reader, dep, from, base)),
  );
  const placed = inputs.find(({ touch }) => touch.tag === 'partitions' || touch.tag === 'mapped');
  return { read: edge(from, placed?.touch ?? touchOf(reader, dep, from)), inputs };
}

/** What a changed row of a table makes due, of which the reader sees only what a view makes. */
function touchThrough(
  reader: LoadedAsset,
  { key, by, zone, lookup }: Dependency,
  view: ViewAsset,
  base: BaseAsset,
): Touch {
  const { partitions } = reader;
  if (lookup === true) return { tag: 'none' };
  const columns =
    by === undefined || partitions === undefined
      ? null
      : baseColumns(
          by,
          partitions,
          view.inputs.map(({ from }) => from.key),
        );
  if (columns?.tag !== 'columns' || columns.base !== base.key) return { tag: 'whole' };
  return touchOf(reader, { key, by: columns.by, ...(zone === undefined ? {} : { zone }) }, base);
}

/** The views that are read, each after those that it reads. */
function viewsOf(reads: readonly AssetEdge[]): readonly ViewAsset[] {
  return [...new Set(reads.flatMap(({ from }) => (from.tag === 'view' ? [...viewsOf(from.reads), from] : [])))];
}

/** A table can be read in several ways, and each counts; but twice the same is once. */
function unique(edges: readonly AssetEdge<BaseAsset>[]): readonly AssetEdge<BaseAsset>[] {
  const named = edges.map((edge) => [JSON.stringify([edge.from.key, edge.touch]), edge] as const);
  return [...new Map(named).values()];
}

/**
 * A row of a captured table changes alone, and its column decides which partitions that touches. A derived input changes
 * partition by partition: that tells if its partitions can be mapped to those of the reader.
 */
function touchOf({ partitions }: LoadedAsset, { by, zone, lookup, mapping }: Dependency, from: AssetNode): Touch {
  if (lookup === true) return { tag: 'none' };
  if (partitions === undefined || from.tag === 'view') return { tag: 'whole' };
  const columns = by === undefined ? null : columnsOf(partitions, by);
  if (from.tag === 'captured') {
    if (columns === null) return { tag: 'whole' };
    return { tag: 'partitions', columns, ...(zone === undefined ? {} : { zone }), partitions };
  }
  const of = from.definition.partitions;
  if (of === undefined) return { tag: 'whole' };
  const outputs = outputsOf(of);
  if (columns !== null && columns.join() !== outputs.join()) return { tag: 'whole' };
  const resolved = resolveMapping(of, partitions, mapping);
  if (resolved.tag !== 'mapped') return { tag: 'whole' };
  return { tag: 'mapped', columns: outputs, from: of, to: partitions, mapping: resolved.mapping };
}

function resolved({ key, sql }: LoadedAsset, reads: readonly AssetEdge[]): readonly SqlPart[] {
  const places = new Map(reads.map(({ from }) => [placeholderName(from.key), from.place]));
  return piecesOf(sql).map((piece): SqlPart => {
    if (piece.tag === 'text') return piece;
    const { name } = piece;
    if (isRangeWord(name)) return { tag: name };
    const place = places.get(name);
    if (place === undefined) throw new WalflowError('ASSET_INVALID', `${key} reads {${name}}, which is not in deps`);
    return { tag: 'input', place };
  });
}
