// Selections: which assets a command or request is about, applied to assets and their dependencies.

import { WalflowError } from '../errors.ts';

/** What an attribute of an asset can be asked for by. */
export const ATTRIBUTES = ['group', 'tag', 'owner', 'kind', 'pipeline', 'status'] as const;
type Attribute = (typeof ATTRIBUTES)[number];

export type Selection =
  /** Whole keys; `*` stands for any text. */
  | { readonly tag: 'key'; readonly pattern: string }
  | { readonly tag: 'attribute'; readonly attribute: Attribute; readonly value: string }
  /** Those of `of` that read none of it, or that none of it reads; null = of all assets. */
  | { readonly tag: 'roots' | 'sinks'; readonly of: Selection | null }
  /** With what lies so many steps up and down. */
  | { readonly tag: 'walk'; readonly of: Selection; readonly up: number; readonly down: number }
  | { readonly tag: 'not'; readonly of: Selection }
  | { readonly tag: 'and' | 'or'; readonly left: Selection; readonly right: Selection };

/** An asset, as far as a selection asks. */
export interface SelectableAsset {
  readonly key: string;
  /** Keys; those that are not among the assets are ignored. */
  readonly deps: readonly string[];
  readonly kind: string;
  readonly group?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly owners?: readonly string[];
  /** Of a captured table. */
  readonly pipeline?: string;
  readonly status: string;
}

/**
 * The selected assets, in their given order.
 * @throws WalflowError ASSET_UNKNOWN for a key, written without `*`, that no asset has.
 */
export function selectAssets<T extends SelectableAsset>(selection: Selection, assets: readonly T[]): readonly T[] {
  const selected = new Selector(assets).keys(selection);
  return assets.filter(({ key }) => selected.has(key));
}

/** Sets of keys. */
class Selector {
  readonly #assets: readonly SelectableAsset[];
  readonly #deps: ReadonlyMap<string, readonly string[]>;
  readonly #readers: ReadonlyMap<string, readonly string[]>;

  constructor(assets: readonly SelectableAsset[]) {
    const known = new Set(assets.map(({ key }) => key));
    const edges = assets.flatMap(({ key, deps }) =>
      deps.filter((dep) => known.has(dep)).map((dep) => [dep, key] as const),
    );
    this.#assets = assets;
    this.#deps = grouped(edges.map(([from, to]) => [to, from]));
    this.#readers = grouped(edges);
  }

  keys(selection: Selection): ReadonlySet<string> {
    switch (selection.tag) {
      case 'key':
        return this.#named(selection.pattern);
      case 'attribute':
        return this.#those((asset) => has(asset, selection.attribute, selection.value));
      case 'roots':
        return this.#ends(selection.of, this.#deps);
      case 'sinks':
        return this.#ends(selection.of, this.#readers);
      case 'walk':
        return this.#walked(selection);
      case 'not':
        return this.#all.difference(this.keys(selection.of));
      case 'and':
        return this.keys(selection.left).intersection(this.keys(selection.right));
      case 'or':
        return this.keys(selection.left).union(this.keys(selection.right));
    }
  }

  get #all(): ReadonlySet<string> {
    return this.#those(() => true);
  }

  #those(wanted: (asset: SelectableAsset) => boolean): ReadonlySet<string> {
    return new Set(this.#assets.filter(wanted).map(({ key }) => key));
  }

  #named(pattern: string): ReadonlySet<string> {
    const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    const keys = new RegExp(`^${parts.join('.*')}$`);
    const found = this.#those(({ key }) => keys.test(key));
    if (found.size > 0 || pattern.includes('*')) return found;
    throw new WalflowError('ASSET_UNKNOWN', `there is no asset "${pattern}"`);
  }

  #ends(of: Selection | null, neighbours: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
    const among = of === null ? this.#all : this.keys(of);
    return new Set([...among].filter((key) => !neighbours.get(key)?.some((next) => among.has(next))));
  }

  #walked({ of, up, down }: { readonly of: Selection; readonly up: number; readonly down: number }) {
    const from = this.keys(of);
    return reached(from, this.#deps, up).union(reached(from, this.#readers, down));
  }
}

function grouped(edges: readonly (readonly [string, string])[]): ReadonlyMap<string, readonly string[]> {
  const groups = Map.groupBy(edges, ([from]) => from);
  return new Map([...groups].map(([from, some]) => [from, some.map(([, to]) => to)]));
}

function reached(
  from: ReadonlySet<string>,
  neighbours: ReadonlyMap<string, readonly string[]>,
  steps: number,
): Set<string> {
  const seen = new Set(from);
  let edge: readonly string[] = [...from];
  for (let step = 0; step < steps && edge.length > 0; step++) {
    edge = edge.flatMap((key) => neighbours.get(key) ?? []).filter((key) => !seen.has(key));
    for (const key of edge) seen.add(key);
  }
  return seen;
}

function has(asset: SelectableAsset, attribute: Attribute, value: string): boolean {
  switch (attribute) {
    case 'group':
      return asset.group === value || asset.group?.startsWith(`${value}/`) === true;
    case 'owner':
      return asset.owners?.includes(value) === true;
    case 'tag': {
      const [name = '', wanted] = value.split(/=(.*)/s);
      const tag = Object.hasOwn(asset.tags ?? {}, name) ? asset.tags?.[name] : undefined;
      return tag !== undefined && (wanted === undefined || tag === wanted);
    }
    case 'kind':
      return asset.kind === value;
    case 'pipeline':
      return asset.pipeline === value;
    case 'status':
      return asset.status === value;
  }
}
