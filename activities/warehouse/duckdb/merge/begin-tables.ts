// New tables, and new snapshots of known ones, all of a window in a few statements: the first window of a source may begin
// thousands.

import type { TableName } from '../../../../workflows/model/relation.ts';
import type { PlacedTable, TablePauseOrder } from '../../merge-plan.ts';
import { folded } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';
import { collisionOf } from './schema-sql.ts';
import { decimal, forgetTables, positionOf, type StateChange } from './table-state.ts';

const CODE = 'NAME_COLLISION';

/** A row of the catalog, as far as it matters to others. */
interface KnownTable extends TableName {
  readonly pipeline: string;
  readonly id: string;
  readonly detached: boolean;
  /** It has no place, because another table had it first. */
  readonly displaced: boolean;
  readonly mergedSeq: string | null;
  readonly mergedLsn: string | null;
}

/** Records the tables as loading. @returns the pauses of those that cannot have their place. */
export async function beginTables(
  session: DuckDbSession,
  change: StateChange,
  tables: readonly PlacedTable[],
): Promise<readonly TablePauseOrder[]> {
  if (tables.length === 0) return [];
  const known = await readKnown(session);
  const own = new Map(known.filter(({ pipeline }) => pipeline === change.pipeline).map((row) => [row.id, row]));
  const holding = known.filter(({ detached, displaced }) => !detached && !displaced);
  const holders = new Map(holding.map((row) => [folded(row), labelOf(row)]));
  const pauses: TablePauseOrder[] = [];
  const rows = tables.map(({ entry, target }) => {
    const label = labelOf({ pipeline: change.pipeline, id: entry.table });
    const before = own.get(entry.table);
    // One that moves gives up its place.
    if (before !== undefined && holders.get(folded(before)) === label) holders.delete(folded(before));
    const collision = collisionOf(entry, target, holders.get(folded(target)));
    if (collision === null) holders.set(folded(target), label);
    else pauses.push({ table: entry.table, code: CODE, reason: collision });
    return catalogRow({ entry, target }, { change, before, collision });
  });
  await forgetTables(session, change.pipeline, [...own.keys()].filter(isIn(tables)));
  // A detached table whose place another one takes has no rows any more.
  for (const { pipeline, id, ...place } of known.filter(({ detached }) => detached)) {
    if (holders.has(folded(place))) await forgetTables(session, pipeline, [id]);
  }
  await insertRows(session, change, rows);
  return pauses;
}

const labelOf = ({ pipeline, id }: Pick<KnownTable, 'pipeline' | 'id'>) => `${id} of ${pipeline}`;

function isIn(tables: readonly PlacedTable[]): (id: string) => boolean {
  const begun = new Set(tables.map(({ entry }) => entry.table));
  return (id) => begun.has(id);
}

async function readKnown(session: DuckDbSession): Promise<readonly KnownTable[]> {
  return await session.rows<KnownTable>(
    `select pipeline, table_id as id, schema_name as schema, table_name as name, state = 'detached' as detached,
       reason_code is not distinct from '${CODE}' as displaced, merged_seq as "mergedSeq", merged_lsn as "mergedLsn"
     from _walflow.tables`,
  );
}

interface Begun {
  readonly change: StateChange;
  readonly before: KnownTable | undefined;
  readonly collision: string | null;
}

/** All values are texts: SQL casts them. */
function catalogRow({ entry, target }: PlacedTable, { change, before, collision }: Begun) {
  const pause = collision === null ? (entry.paused ?? null) : { code: CODE, reason: collision };
  const at = positionOf(change.mergedTo);
  const frozen = before === undefined ? null : { seq: before.mergedSeq ?? String(at.seq), lsn: before.mergedLsn };
  return {
    ...{ table_id: entry.table, schema_name: target.schema, table_name: target.name },
    ...{
      state: pause === null ? 'loading' : 'paused',
      reason_code: pause?.code ?? null,
      reason: pause?.reason ?? null,
    },
    ...{ snapshot_id: entry.snapshot.id, r0_lsn: decimal(entry.snapshot.r0Lsn) },
    ...{
      from_seq: String(entry.snapshot.fromSeq),
      schema_version: entry.schemaVersion,
      capture: JSON.stringify(entry),
    },
    ...{ merged_seq: frozen?.seq ?? null, merged_lsn: frozen === null ? null : (frozen.lsn ?? decimal(at.lsn)) },
  };
}

async function insertRows(
  session: DuckDbSession,
  change: StateChange,
  rows: readonly ReturnType<typeof catalogRow>[],
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const shape = Object.fromEntries(Object.keys(first).map((column) => [column, 'VARCHAR']));
  await session.run(
    `insert into _walflow.tables by name
     select $pipeline as pipeline, $now::TIMESTAMPTZ as changed_at,
       * replace (r0_lsn::BIGINT as r0_lsn, from_seq::BIGINT as from_seq, capture::JSON as capture,
         merged_seq::BIGINT as merged_seq, merged_lsn::BIGINT as merged_lsn)
     from (select unnest(from_json($rows::JSON, '${JSON.stringify([shape])}'), recursive := true))`,
    { pipeline: change.pipeline, now: change.nowIso, rows: JSON.stringify(rows) },
  );
}
