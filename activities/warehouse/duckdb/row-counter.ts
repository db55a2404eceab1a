// How many rows each table has, for status, API and page, which ask once a second. Counting a thousand tables takes half a
// second, so a count holds until a merge changes its table.

import type { MergePlan } from '../merge-plan.ts';
import { qualified } from './identifier.ts';
import type { DuckDbSession } from './session.ts';

/** DuckDB refuses a statement over a thousand tables, and plans several small ones sooner than one over some hundreds. */
const COUNTED_AT_ONCE = 100;

interface Count {
  readonly rows: number;
  /** Number of the last merge before it was counted. */
  readonly merge: number;
}

interface PlacedRow {
  readonly id: string;
  readonly schema: string;
  readonly name: string;
}

export class RowCounter {
  #merges = 0;
  readonly #counts = new Map<string, Count>();
  /** Number of the last merge that changed the table. */
  readonly #changed = new Map<string, number>();

  /** Call it when the merge is committed, or has failed: a count that began before is outdated. */
  changed({ pipeline, tables, loads, begins, removes }: MergePlan): void {
    this.#merges += 1;
    for (const { entry } of [...tables, ...loads, ...begins])
      this.#changed.set(keyOf(pipeline, entry.table), this.#merges);
    for (const table of removes) this.#changed.set(keyOf(pipeline, table), this.#merges);
  }

  /** Rows of every captured table of a pipeline that has a table in the warehouse, by table id. */
  async read(session: DuckDbSession, pipeline: string): Promise<ReadonlyMap<string, number>> {
    const tables = await session.rows<PlacedRow>(
      `select table_id as id, t.schema_name as schema, t.table_name as name from _walflow.tables c join duckdb_tables() t
         on lower(t.schema_name) = lower(c.schema_name) and lower(t.table_name) = lower(c.table_name)
       where pipeline = $pipeline and reason_code is distinct from 'NAME_COLLISION' order by table_id`,
      { pipeline },
    );
    const outdated = tables.filter(({ id }) => !this.#holds(keyOf(pipeline, id)));
    for (let from = 0; from < outdated.length; from += COUNTED_AT_ONCE) {
      await this.#count(session, pipeline, outdated.slice(from, from + COUNTED_AT_ONCE));
    }
    return new Map(tables.map(({ id }) => [id, this.#counts.get(keyOf(pipeline, id))?.rows ?? 0]));
  }

  async #count(session: DuckDbSession, pipeline: string, tables: readonly PlacedRow[]): Promise<void> {
    const merge = this.#merges;
    // DuckDB takes count(*) from the headers of row groups.
    const counts = tables.map((table, i) => `select ${i} as i, count(*) as n from ${qualified(table)}`);
    for (const { i, n } of await session.rows<{ i: number; n: string }>(counts.join(' union all '))) {
      this.#counts.set(keyOf(pipeline, tables[i]?.id ?? ''), { rows: Number(n), merge });
    }
  }

  #holds(key: string): boolean {
    const count = this.#counts.get(key);
    return count !== undefined && count.merge >= (this.#changed.get(key) ?? 0);
  }
}

const keyOf = (pipeline: string, table: string) => `${pipeline} ${table}`;
