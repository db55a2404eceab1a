// What a derived asset reads, and which of its partitions a changed row there makes due.

import type { DependencyMapping } from './mapping.ts';
import type { PartitionColumns } from './partitioning.ts';

/** One dependency. A key alone is the same as a dependency without options. */
export interface Dependency {
  /** `<pipeline>/<schema>.<table>` or the key of another asset. */
  readonly key: string;
  /** Column that decides to which partition of the asset a row belongs; of several dimensions, one for each. */
  readonly by?: PartitionColumns;
  /** The zone whose clock a TIMESTAMP in `by` shows; default UTC. */
  readonly zone?: string;
  /** Which partitions of it a partition reads; default: the same one where both are divided alike, else all. */
  readonly mapping?: DependencyMapping;
  /** It is read, but its changes make nothing due. */
  readonly lookup?: boolean;
}

export type DeclaredDependency = string | Dependency;

export const dependencyOf = (declared: DeclaredDependency): Dependency =>
  typeof declared === 'string' ? { key: declared } : declared;
