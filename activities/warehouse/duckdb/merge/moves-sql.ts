// Unchanged values of rows that changed their keys. A change of key is a `d` of the old key and a `u` (moved) of the new key at
// the next ordinal of the same commit. So a value that was not carried is in the old key's row, or in the row from which that
// one moved, and so on. A `life` is the time of one row at one key, from an insert or a move to a delete.

import { carries, type SparseColumn } from '../sparse-column.ts';

interface MovedValues {
  /** Aliases of the key columns. */
  readonly keys: readonly string[];
  readonly sparse: readonly SparseColumn[];
  /** SELECT of the base rows. */
  readonly base: string;
  /** SQL over `lives`: does the base row at the key belong to this life? */
  readonly trust: string;
}

/**
 * CTEs up to `kept` (keys, value and `has_` of every sparse column), for the keys in CTE `wanted`, from CTE `changes`.
 * `walk` goes from a winner's life to the life from which it moved; depth 0 is the winner's own.
 */
export function movedValuesSql({ keys, sparse, base, trust }: MovedValues): string {
  const key = keys.join(', ');
  const aliases = sparse.map((c) => c.alias).join(', ');
  return `staged as materialized (
  select ${key}, ${aliases}, op, unchanged, moved, position,
    count(*) filter (op in ('i', 'r') or moved) over (partition by ${key} order by position rows unbounded preceding) as life
  from changes),
lives as materialized (
  select ${key}, life, min(position) as id,
    min(position) filter (moved) - 1 as moved_from,
    max(position) filter (op = 'd') as ended_at,
    ${sparse.map(carriedInLife).join(',\n    ')}
  from staged group by ${key}, life),
trusted as materialized (select * from (select *, ${trust.replace('key_of_life', key)} as trust from lives) where trust),
base as materialized (select * from (${base}) semi join trusted using (${key})),
walk as (
  select lives.id as winner, lives.id, lives.moved_from, 0 as depth
  from lives semi join wanted using (${key}) where lives.ended_at is null
  union all
  select walk.winner, older.id, older.moved_from, walk.depth + 1
  from walk join lives older on older.ended_at = walk.moved_from),
found as (
  select walk.winner, ${sparse.map(nearest).join(',\n    ')}
  from walk join lives using (id) left join (select trusted.id, base.* from trusted join base using (${key})) origin using (id)
  group by walk.winner),
kept as (select lives.* exclude (${aliases}, ${sparse.map((c) => `has_${c.alias}`).join(', ')}), found.*
  from lives join found on found.winner = lives.id)`;
}

const carriedInLife = (c: SparseColumn) =>
  `arg_max_null(${c.alias}, position) filter (op <> 'd' and ${carries(c)}) as ${c.alias},
    coalesce(bool_or(op <> 'd' and ${carries(c)}), false) as has_${c.alias}`;

/** The nearest carried value along the walk. If no life carried one, it never changed, and any base row on the way has it. */
const nearest = (c: SparseColumn) =>
  `case when bool_or(lives.has_${c.alias}) then arg_min_null(lives.${c.alias}, depth) filter (lives.has_${c.alias})
      else arg_min_null(origin.${c.alias}, depth) filter (origin.found) end as ${c.alias},
    bool_or(lives.has_${c.alias} or coalesce(origin.found, false)) as has_${c.alias}`;
