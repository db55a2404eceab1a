// Recomputes what is due of a derived asset (station 10 of a row), in one transaction that sees one watermark: rows,
// record and the cleared marks become visible together. A merge that commits meanwhile leaves marks of its own.

import { randomUUID } from 'node:crypto';
import type { DailyPartitions, PartitionKey } from '../../../../workflows/model/asset/partition.ts';
import type { Materialization } from '../../../../workflows/model/asset/record.ts';
import { isoFromMicros } from '../../../../workflows/model/commit-time.ts';
import { WalflowError } from '../../../../workflows/model/errors.ts';
import type { MaterializeOrder } from '../../asset-order.ts';
import type { DuckDbOwner } from '../client.ts';
import { blamesData, failureClass, safeText } from '../failure.ts';
import { literal, qualified, quoted } from '../identifier.ts';
import { markPartitionsSql, markWholeSql } from '../merge/touched-sql.ts';
import { placeOfKeySql, placeSql } from '../partition-sql.ts';
import type { DuckDbSession } from '../session.ts';
import { assetSelect, codeVersionOf } from './asset-sql.ts';
import { InputReader } from './inputs.ts';

/** Day of an asset that has no partitions: there is one, and it has no name. */
const WHOLE = null;
const PRODUCED = 'temp.main._walflow_produced';

/**
 * Recomputes the due days of a daily asset, or the whole of any other.
 * @returns the new records; none when nothing was due.
 * @throws WalflowError ASSET_FAILED, ASSET_OUTSIDE_WINDOW: nothing changed and it is still due.
 */
export async function materializeDue(owner: DuckDbOwner, order: MaterializeOrder): Promise<readonly Materialization[]> {
  return await owner.materializing.pass(() =>
    owner.use(async (session) => {
      try {
        return await session.transaction(() => new AssetRun(session, order).run());
      } catch (failure) {
        const ofSql = blamesData(failure) || failureClass(failure) === 'Parser';
        if (!ofSql) throw failure;
        throw new WalflowError('ASSET_FAILED', `the SQL of ${order.asset.key} failed: ${safeText(failure)}`, {
          cause: failure,
        });
      }
    }),
  );
}

/** In the form the catalog gives back: a record reads the same in lake and warehouse. */
const nowIso = () => isoFromMicros(Date.now() * 1000);

class AssetRun {
  readonly #session: DuckDbSession;
  readonly #order: MaterializeOrder;
  readonly #target: string;
  readonly #startedAt = nowIso();

  constructor(session: DuckDbSession, order: MaterializeOrder) {
    this.#session = session;
    this.#order = order;
    this.#target = qualified(order.asset.place);
  }

  async run(): Promise<readonly Materialization[]> {
    const { asset } = this.#order;
    const marks = await this.#session.rows<{ day: PartitionKey | null }>(
      'select distinct partition::VARCHAR as day from _walflow.dirty_partitions where asset = $1 order by day',
      [asset.key],
    );
    if (marks.length === 0) return [];
    const inputs = await InputReader.open(this.#session, asset);
    const reshaped = await this.#prepareTarget();
    const days = await this.#daysToRun(
      marks.map(({ day }) => day),
      reshaped,
    );
    const records: Materialization[] = [];
    for (const day of days) {
      const rows = await this.#replace(day);
      records.push(this.#record(day, rows, inputs));
    }
    await this.#keep(records);
    await this.#session.run('delete from _walflow.dirty_partitions where asset = $1', [asset.key]);
    await this.#markReaders(records);
    return records;
  }

  /** Makes the table from the query's own types; true when one of another shape had to go. */
  async #prepareTarget(): Promise<boolean> {
    const { place, definition } = this.#order.asset;
    const sample = definition.partitions?.start ?? WHOLE;
    const empty = `${assetSelect(this.#order.asset, sample)} limit 0`;
    const wanted = await this.#session.rows<{ column_name: string; column_type: string }>(`describe ${empty}`);
    const present = await this.#session.rows<{ column_name: string; column_type: string }>(
      `select column_name, data_type as column_type from duckdb_columns()
       where lower(schema_name) = lower($1) and lower(table_name) = lower($2) order by column_index`,
      [place.schema, place.name],
    );
    const shape = (columns: typeof wanted) => columns.map((c) => `${c.column_name} ${c.column_type}`).join(', ');
    if (present.length > 0 && shape(present) === shape(wanted)) return false;
    await this.#session.run(`create schema if not exists ${quoted(place.schema)}`);
    await this.#session.run(`create or replace table ${this.#target} as ${empty}`);
    return true;
  }

  /** A mark without a day, or a new shape, means every day the dependency or the result has rows of. */
  async #daysToRun(
    marks: readonly (PartitionKey | null)[],
    reshaped: boolean,
  ): Promise<readonly (PartitionKey | null)[]> {
    const { partitions } = this.#order.asset.definition;
    if (partitions === undefined) return [WHOLE];
    const marked = marks.filter((day) => day !== null);
    if (marked.length === marks.length && !reshaped) return marked;
    const source = this.#order.asset.inputs[0];
    if (source === undefined)
      throw new WalflowError('ASSET_INVALID', `${this.#order.asset.key} is daily and has no deps`);
    const rows = await this.#session.rows<{ day: PartitionKey }>(
      `select distinct day::VARCHAR as day from (
         select ${placeSql(partitions, quoted(partitions.dep))} as day from ${qualified(source.from.place)}
         union all select ${placeSql(partitions, quoted(partitions.output))} from ${this.#target})
       where day is not null order by day`,
    );
    return [...new Set([...marked, ...rows.map(({ day }) => day)])].sort();
  }

  async #replace(day: PartitionKey | null): Promise<number> {
    const { asset } = this.#order;
    const { partitions } = asset.definition;
    await this.#session.run(`create or replace temp table _walflow_produced as ${assetSelect(asset, day)}`);
    if (day !== WHOLE && partitions !== undefined) {
      await this.#assertInside(day, partitions);
      await this.#session.run(
        `delete from ${this.#target} where ${placeSql(partitions, quoted(partitions.output))} = ${placeOfKeySql(literal(day))}`,
      );
    } else {
      await this.#session.run(`delete from ${this.#target}`);
    }
    return await this.#session.run(`insert into ${this.#target} select * from ${PRODUCED}`);
  }

  async #assertInside(day: PartitionKey, partitions: DailyPartitions): Promise<void> {
    const { output } = partitions;
    const [row] = await this.#session.rows<{ outside: string }>(
      `select count(*) as outside from ${PRODUCED} where ${placeSql(partitions, quoted(output))} is distinct from ${placeOfKeySql(literal(day))}`,
    );
    const outside = Number(row?.outside ?? 0);
    if (outside === 0) return;
    throw new WalflowError(
      'ASSET_OUTSIDE_WINDOW',
      `${this.#order.asset.key} produced ${outside} rows for ${day} whose ${output} lies on another day`,
    );
  }

  #record(day: PartitionKey | null, rows: number, inputs: InputReader): Materialization {
    const { asset, run } = this.#order;
    return {
      id: randomUUID(),
      asset: asset.key,
      partition: day,
      at: nowIso(),
      startedAt: this.#startedAt,
      rows,
      inputs: inputs.since(day),
      codeVersion: codeVersionOf(asset.definition),
      ...run,
    };
  }

  async #keep(records: readonly Materialization[]): Promise<void> {
    for (const record of records) {
      await this.#session.run(
        `insert into _walflow.materializations
         select coalesce(max(no), 0) + 1, $1, $2, $3::DATE, $4::TIMESTAMPTZ, $5::TIMESTAMPTZ, $6::BIGINT, $7::JSON, $8, $9, $10, $11::INTEGER
         from _walflow.materializations`,
        [
          ...[record.id, record.asset, record.partition, record.startedAt, record.at, record.rows],
          ...[JSON.stringify(record.inputs), record.codeVersion, record.workflowId, record.runId, record.attempt],
        ],
      );
    }
  }

  /** A reader that is touched by partitions has the same ones; any other is due as a whole. */
  async #markReaders(records: readonly Materialization[]): Promise<void> {
    const seq = Math.max(0, ...records.flatMap((record) => record.inputs.map((input) => input.seqTo)));
    const keys = records.flatMap(({ partition }) => (partition === null ? [] : [`(${literal(partition)})`]));
    for (const { to, touch } of this.#order.readers) {
      const mark = { asset: to, cause: this.#order.asset.key, seq, nowIso: this.#startedAt };
      const marks =
        touch.tag === 'partitions' && keys.length > 0
          ? markPartitionsSql(mark, `select partition from (values ${keys.join(', ')}) keys(partition)`)
          : markWholeSql(mark);
      await this.#session.run(marks);
    }
  }
}
