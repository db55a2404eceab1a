// The records of materializations in the catalog: numbered in the order of their commits, listed newest first.

import type { Materialization } from '../../../../workflows/model/asset/record.ts';
import type { MaterializationQuery } from '../../asset-order.ts';
import { isoText } from '../catalog-sql.ts';
import type { DuckDbOwner } from '../client.ts';
import { literal } from '../identifier.ts';
import type { DuckDbSession } from '../session.ts';
import { parseInputs, parseMarks } from '../stored-json.ts';

/** With more rows in one statement DuckDB's parser becomes slow. */
const ROWS_PER_INSERT = 500;

const SELECT_RECORDS = `
  select id, asset, partition, ${isoText('finished_at')} as at, ${isoText('started_at')} as "startedAt",
    rows, unchanged, inputs, checks, code_version as "codeVersion", workflow_id as "workflowId", run_id as "runId", attempt
  from _walflow.materializations`;

interface MaterializationRow extends Omit<Materialization, 'rows' | 'inputs' | 'unchanged' | 'checks'> {
  readonly rows: string;
  readonly unchanged: boolean;
  readonly inputs: string;
  readonly checks: string;
}

/** The records of an asset, newest first. */
export async function listMaterializations(
  owner: DuckDbOwner,
  asset: string,
  query: MaterializationQuery,
): Promise<readonly Materialization[]> {
  const rows = await owner.use((session) =>
    session.rows<MaterializationRow>(
      `${SELECT_RECORDS}
       where asset = $1 and ($2::VARCHAR is null or partition = $2::VARCHAR)
         and ($3::VARCHAR is null or no < (select no from _walflow.materializations where id = $3::VARCHAR))
       order by no desc limit $4`,
      [asset, query.partition ?? null, query.cursor ?? null, query.limit],
    ),
  );
  return rows.map(recordOf);
}

/** The newest record of each asset, by key. */
export async function newestMaterializations(owner: DuckDbOwner): Promise<ReadonlyMap<string, Materialization>> {
  const rows = await owner.use((session) =>
    session.rows<MaterializationRow>(
      `${SELECT_RECORDS} where no in (select max(no) from _walflow.materializations group by asset)`,
    ),
  );
  return new Map(rows.map((row) => [row.asset, recordOf(row)]));
}

function recordOf({ unchanged, checks, ...row }: MaterializationRow): Materialization {
  return {
    ...{ ...row, rows: Number(row.rows), inputs: parseInputs(row.inputs) },
    ...(unchanged ? { unchanged: true as const } : {}),
    ...(checks === '[]' ? {} : { checks: parseMarks(checks) }),
  };
}

/** Appends records, numbered from `after` on. Only in a transaction beside which no other publish runs. */
export async function writeRecords(
  session: DuckDbSession,
  records: readonly Materialization[],
  after: number,
): Promise<void> {
  for (let from = 0; from < records.length; from += ROWS_PER_INSERT) {
    const rows = records
      .slice(from, from + ROWS_PER_INSERT)
      .map((record, i) => recordRow(record, after + from + i + 1));
    await session.run(
      `insert into _walflow.materializations (no, id, asset, partition, started_at, finished_at, rows, unchanged, inputs,
         checks, code_version, workflow_id, run_id, attempt) values ${rows.join(', ')}`,
    );
  }
}

function recordRow(record: Materialization, no: number): string {
  const { id, asset, partition, startedAt, at, rows, inputs, codeVersion, workflowId, runId, attempt } = record;
  const texts = [startedAt, at].map((time) => `${literal(time)}::TIMESTAMPTZ`);
  const values = [
    ...[no, literal(id), literal(asset), partition === null ? 'null::VARCHAR' : literal(partition), ...texts],
    ...[
      rows,
      record.unchanged === true,
      `${literal(JSON.stringify(inputs))}::JSON`,
      // Checks run on what is published.
      `'[]'`,
      literal(codeVersion),
      literal(workflowId),
      literal(runId),
    ],
    attempt,
  ];
  return `(${values.join(', ')})`;
}
