// Makes the SQL of a derived asset runnable: a dependency becomes its table, `{start}` and `{end}` become the bounds of the
// partition.

import { createHash } from 'node:crypto';
import type { AssetDefinition } from '../../../../workflows/model/asset/definition.ts';
import type { DerivedAsset, SqlPart } from '../../../../workflows/model/asset/graph.ts';
import type { PartitionKey } from '../../../../workflows/model/asset/partition.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import { qualified } from '../identifier.ts';
import { instantSql } from '../partition-sql.ts';

/** A SELECT of the asset's rows, or those of one partition if it has partitions. */
export function assetSelect({ sql }: DerivedAsset, partition: PartitionKey | null): string {
  const text = sql.map((part) => partSql(part, partition)).join('');
  // On separate lines: a comment at the end of the SQL must not swallow the bracket.
  return `select * from (\n${text.trim().replace(/;$/, '')}\n)`;
}

function partSql(part: SqlPart, partition: PartitionKey | null): string {
  switch (part.tag) {
    case 'text':
      return part.text;
    case 'input':
      return qualified(part.place);
    case 'start':
    case 'end':
      if (partition === null) throw new WalflowError('ASSET_INVALID', `{${part.tag}} without a partition`);
      return instantSql(partition, part.tag);
  }
}

/** Twelve hex digits, a hash of everything that decides the asset's rows. */
export function codeVersionOf(asset: AssetDefinition): string {
  const code = [asset.sql, asset.deps, asset.partitions ?? null, asset.table ?? null];
  return createHash('sha256').update(JSON.stringify(code)).digest('hex').slice(0, 12);
}
