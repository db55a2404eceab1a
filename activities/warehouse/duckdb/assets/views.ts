// The views of the configuration in the warehouse. Each is made when what it reads exists, again when its code or the columns
// of what it reads have changed, and dropped when it is not declared any more. A view whose SQL fails is no view: its state
// says why. `_walflow.assets` has a row for each.

import type { ViewAsset } from '../../../../workflows/model/asset/graph.ts';
import { ignored } from '../../../../workflows/model/callback.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import type { TableName } from '../../../../workflows/model/relation.ts';
import type { ViewState } from '../../asset-order.ts';
import type { DuckDbOwner } from '../client.ts';
import { blamesData, failureClass, isConflict, safeText } from '../failure.ts';
import { folded, literal, qualified, quoted } from '../identifier.ts';
import { parseView, type ReadView } from '../reading/view-body.ts';
import type { DuckDbSession } from '../session.ts';
import { assetSelect, codeVersionOf } from './asset-sql.ts';
import { tableExists, viewExists } from './existing.ts';
import { IS_VIEW } from './view-row.ts';

interface ViewRow extends TableName {
  readonly asset: string;
  readonly code: string;
  readonly shape: string;
  readonly failure: string | null;
}

/** What a view came to. */
type Made =
  | { readonly tag: 'made'; readonly body: ReadView }
  | { readonly tag: 'failed'; readonly reason: string }
  | { readonly tag: 'waiting' };

export class Views {
  readonly #owner: DuckDbOwner;
  #declared: readonly ViewAsset[] = [];
  #states: ReadonlyMap<string, ViewState> = new Map();
  #isBehind = false;

  constructor(owner: DuckDbOwner) {
    this.#owner = owner;
  }

  /** By key. */
  get states(): ReadonlyMap<string, ViewState> {
    return this.#states;
  }

  /** Another transaction was in the way: some are not yet as they are declared. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  async declare(views: readonly ViewAsset[]): Promise<void> {
    this.#declared = views;
    const places = new Map(views.map(({ key, place }) => [key, folded(place)]));
    await this.#publishing(async (session) => {
      for (const row of await readRows(session)) {
        if (places.get(row.asset) !== folded(row)) await session.transaction(() => drop(session, row));
      }
      await this.#settle(session);
    });
  }

  /** After tables came, changed their columns, or went. */
  async settle(): Promise<void> {
    if (this.#declared.length > 0) await this.#publishing((session) => this.#settle(session));
  }

  async #publishing(work: (session: DuckDbSession) => Promise<void>): Promise<void> {
    await this.#owner.publishing.pass(() => this.#owner.use(work));
  }

  async #settle(session: DuckDbSession): Promise<void> {
    const states = new Map<string, ViewState>();
    const bodies: ReadView[] = [];
    this.#isBehind = false;
    for (const view of this.#declared) {
      const made = await this.#settleOne(session, view);
      if (made.tag === 'made') bodies.push(made.body);
      states.set(view.key, stateOf(made));
    }
    this.#states = states;
    this.#owner.views = bodies;
  }

  async #settleOne(session: DuckDbSession, view: ViewAsset): Promise<Made> {
    const row = (await readRows(session)).find(({ asset }) => asset === view.key);
    try {
      const shape = await shapeOf(session, view);
      if (shape === null) {
        if (row !== undefined) await session.transaction(() => drop(session, row));
        return { tag: 'waiting' };
      }
      if (row?.shape !== shape || row.code !== codeVersionOf(view.definition))
        return await this.#make(session, view, shape);
      if (row.failure !== null) return { tag: 'failed', reason: row.failure };
      return { tag: 'made', body: await this.#parse(view) };
    } catch (failure) {
      if (!isConflict(failure)) throw failure;
      this.#isBehind = true;
      return { tag: 'waiting' };
    }
  }

  async #parse(view: ViewAsset): Promise<ReadView> {
    const connection = await this.#owner.connectReader();
    try {
      return await parseView(connection, view, assetSelect(view, null));
    } finally {
      await connection.run('rollback').catch(ignored);
      connection.closeSync();
    }
  }

  async #make(session: DuckDbSession, view: ViewAsset, shape: string): Promise<Made> {
    try {
      const body = await this.#parse(view);
      await session.transaction(async () => {
        await dropOwnTable(session, view);
        await session.run(`create schema if not exists ${quoted(view.place.schema)}`);
        await session.run(`create or replace view ${qualified(view.place)} as ${body.sql}`);
        await note(session, view, shape, null);
      });
      return { tag: 'made', body };
    } catch (failure) {
      const reason = reasonOf(failure);
      if (reason === null) throw failure;
      await session.transaction(async () => {
        await dropView(session, view.place);
        await note(session, view, shape, reason);
      });
      return { tag: 'failed', reason };
    }
  }
}

function stateOf(made: Made): ViewState {
  switch (made.tag) {
    case 'made':
      return { state: 'current' };
    case 'failed':
      return { state: 'failed', reason: made.reason };
    case 'waiting':
      return { state: 'missing' };
  }
}

/** Null unless the SQL of the view is the cause. */
function reasonOf(failure: unknown): string | null {
  if (failure instanceof WalflowError) return failure.code.startsWith('QUERY_') ? failure.message : null;
  return !isConflict(failure) && (blamesData(failure) || failureClass(failure) === 'Parser') ? safeText(failure) : null;
}

async function readRows(session: DuckDbSession): Promise<readonly ViewRow[]> {
  const field = (i: number) => `reads::JSON ->> '$[${i}]'`;
  return await session.rows<ViewRow>(
    `select asset, code_version as code, ${field(1)} as schema, ${field(2)} as name, ${field(3)} as shape,
       ${field(4)} as failure from _walflow.assets where ${IS_VIEW}`,
  );
}

/** What a view reads, with its columns; null while some of it does not exist. */
async function shapeOf(session: DuckDbSession, { reads }: ViewAsset): Promise<string | null> {
  const places = reads.map(({ from }) => from.place);
  if (places.length === 0) return '[]';
  const found = await session.rows<TableName & { columns: string }>(
    `select schema_name as schema, table_name as name,
       string_agg(column_name || ' ' || data_type, ', ' order by column_index) as columns
     from duckdb_columns()
     where (lower(schema_name), lower(table_name)) in (${places.map(({ schema, name }) => `(lower(${literal(schema)}), lower(${literal(name)}))`).join(', ')})
     group by all`,
  );
  const columns = new Map(found.map((table) => [folded(table), table.columns]));
  const shapes = places.map((place) => [folded(place), columns.get(folded(place))]);
  return shapes.some(([, shape]) => shape === undefined) ? null : JSON.stringify(shapes);
}

async function note(session: DuckDbSession, view: ViewAsset, shape: string, failure: string | null): Promise<void> {
  const { key, place, definition } = view;
  await session.run(`delete from _walflow.assets where asset = $1 and ${IS_VIEW}`, [key]);
  await session.run('insert into _walflow.assets values ($1, $2, now(), $3)', [
    ...[key, codeVersionOf(definition)],
    JSON.stringify(['view', place.schema, place.name, shape, failure]),
  ]);
}

async function drop(session: DuckDbSession, row: ViewRow): Promise<void> {
  await dropView(session, row);
  await session.run(`delete from _walflow.assets where asset = $1 and ${IS_VIEW}`, [row.asset]);
}

/** What has the name may be a table by now. */
async function dropView(session: DuckDbSession, place: TableName): Promise<void> {
  if (await viewExists(session, place)) await session.run(`drop view ${qualified(place)}`);
}

/** An asset that was a table before has left its rows: they can be computed again. ⚠ Any other table stays, and the view fails. */
async function dropOwnTable(session: DuckDbSession, { key, place }: ViewAsset): Promise<void> {
  const made = await session.rows('select 1 from _walflow.materializations where asset = $1 limit 1', [key]);
  if (made.length === 0 || !(await tableExists(session, place))) return;
  await session.run(`drop table ${qualified(place)}`);
}
