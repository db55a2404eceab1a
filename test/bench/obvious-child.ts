// P3's reference in a process of its own: what one builds first. The package's own pgoutput plugin with its default
// acknowledging, rows appended to DuckDB one by one, a batch written to Parquet on the local disk, MERGE INTO a keyed table.
// It has no S3, no manifest and no restart, and is none the slower for that.

import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBDecimalValue, DuckDBInstance, DuckDBTimestampTZValue, DuckDBUUIDValue } from '@duckdb/node-api';
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication';
import { answer, childInput } from './child-run.ts';

export interface ObviousInput {
  readonly url: string;
  readonly slot: string;
  readonly publication: string;
  /** Ends when this many row changes are merged. */
  readonly rows: number;
  readonly folder: string;
}

export interface ObviousResult {
  readonly rows: number;
  /** Rows in the table at the end. */
  readonly left: number;
}

type Change = Pgoutput.MessageInsert | Pgoutput.MessageUpdate | Pgoutput.MessageDelete;
type Appender = Awaited<ReturnType<typeof connection.createAppender>>;
type Append = (appender: Appender, value: never) => void;

const BATCH_ROWS = 10_000;
const CLOSE_MS = 1_000;

const text: Append = (appender, value: string) => appender.appendVarchar(value);
const COLUMNS: Readonly<Record<string, { readonly type: string; readonly append: Append }>> = {
  id: { type: 'BIGINT PRIMARY KEY', append: (appender, value: string) => appender.appendBigInt(BigInt(value)) },
  account: { type: 'UUID', append: (appender, value: string) => appender.appendUUID(uuidOf(value)) },
  name: { type: 'VARCHAR', append: text },
  amount: { type: 'DECIMAL(18,4)', append: (appender, value: string) => appender.appendDecimal(decimalOf(value)) },
  created_at: {
    type: 'TIMESTAMPTZ',
    append: (appender, value: Date) =>
      appender.appendTimestampTZ(new DuckDBTimestampTZValue(BigInt(value.getTime()) * 1000n)),
  },
  doc: { type: 'VARCHAR', append: (appender, value: object) => appender.appendVarchar(JSON.stringify(value)) },
  active: { type: 'BOOLEAN', append: (appender, value: boolean) => appender.appendBoolean(value) },
  qty: { type: 'INTEGER', append: (appender, value: number) => appender.appendInteger(value) },
  note: { type: 'VARCHAR', append: text },
};
const NAMES = Object.keys(COLUMNS);

const input = childInput<ObviousInput>();
// Every round begins with nothing, whatever the name of its slot.
const folder = mkdtempSync(join(input.folder, 'obvious-'));
const instance = await DuckDBInstance.create(join(folder, 'warehouse.duckdb'));
const connection = await instance.connect();
const definitions = Object.entries(COLUMNS).map(([name, { type }]) => `${name} ${type}`);
await connection.run(`create table target(${definitions})`);
await connection.run(
  `create table staged(op VARCHAR, nr INTEGER, ${definitions.map((d) => d.replace(' PRIMARY KEY', ''))})`,
);
const appender = await connection.createAppender('staged');

const merged = Promise.withResolvers<void>();
let pending: Change[] = [];
let received = 0;
const service = new LogicalReplicationService({ connectionString: input.url }, { flowControl: { enabled: true } });
service.on('error', merged.reject);
// biome-ignore lint/nursery/noMisusedPromises: flow control awaits what a listener returns.
service.on('data', async (_lsn: string, message: Pgoutput.Message) => {
  if (message.tag !== 'insert' && message.tag !== 'update' && message.tag !== 'delete') return;
  if (received === input.rows) return;
  pending.push(message);
  received += 1;
  if (received === input.rows || pending.length >= BATCH_ROWS) await merge();
  if (received === input.rows) merged.resolve();
});
const plugin = new PgoutputPlugin({ protoVersion: 1, publicationNames: [input.publication] });
service.subscribe(plugin, input.slot).catch(merged.reject);
await merged.promise;
const counted = await connection.runAndReadAll('select count(*) from target');
answer({ rows: received, left: Number(counted.getRows()[0]?.[0]) } satisfies ObviousResult);
await Promise.race([service.stop(), new Promise((resolve) => setTimeout(resolve, CLOSE_MS))]);
process.exit();

async function merge(): Promise<void> {
  const changes = pending;
  pending = [];
  changes.forEach(append);
  appender.flushSync();
  const file = join(folder, 'batch.parquet');
  await connection.run(`copy staged to '${file}' (format parquet, compression zstd)`);
  await connection.run('truncate staged');
  await connection.run(`
    merge into target t using (
      select * from read_parquet('${file}') qualify row_number() over (partition by id order by nr desc) = 1
    ) s on t.id = s.id
    when matched and s.op = 'delete' then delete
    when matched then update set ${NAMES.slice(1).map((name) => `${name} = s.${name}`)}
    when not matched and s.op <> 'delete' then insert (${NAMES}) values (${NAMES.map((name) => `s.${name}`)})`);
}

function append(change: Change, nr: number): void {
  const row = change.tag === 'delete' ? change.key : change.new;
  appender.appendVarchar(change.tag);
  appender.appendInteger(nr);
  for (const [name, column] of Object.entries(COLUMNS)) {
    const value: unknown = row?.[name];
    if (value === null || value === undefined) appender.appendNull();
    else column.append(appender, value as never);
  }
  appender.endRow();
}

function uuidOf(value: string): DuckDBUUIDValue {
  return DuckDBUUIDValue.fromUint128(BigInt(`0x${value.replaceAll('-', '')}`));
}

function decimalOf(value: string): DuckDBDecimalValue {
  const [whole = '0', fraction = ''] = value.split('.');
  return new DuckDBDecimalValue(BigInt(whole + fraction.padEnd(4, '0')), 18, 4);
}
