// One connection to the source, with the session settings that make PostgreSQL print a value as the same text everywhere:
// in the stream, in snapshots, in comparisons. Statements of one connection run one after another.

import pg from 'pg';
import { WalflowError } from '../../../workflows/model/errors.ts';
import { connectError, type Place, statementError } from './errors.ts';

/**
 * First the text forms. Then no hidden rows: with row_security off a read fails where a policy would hide rows. And no
 * time limits the role may have been given: creating a slot and taking a snapshot may take long.
 */
const SESSION_SQL = [
  `set timezone = 'UTC'`,
  `set datestyle = 'ISO, YMD'`,
  `set intervalstyle = 'postgres'`,
  `set extra_float_digits = 1`,
  `set bytea_output = 'hex'`,
  `set lc_monetary = 'C'`,
  `set row_security = off`,
  `set statement_timeout = 0`,
  `set lock_timeout = 0`,
  `set idle_in_transaction_session_timeout = 0`,
].join('; ');

const CONNECT_TIMEOUT_MS = 10_000;
/** After so long in silence the operating system checks whether the peer lives. */
const TCP_KEEPALIVE_MS = 30_000;

/** Leaves every value as the text the server printed. */
const AS_TEXT = { getTypeParser: () => (value: string) => value };

/** Settings of pg for a URL. The session sets `application_name` again, because a URL may carry its own. */
export function clientConfig(url: string, applicationName: string) {
  return {
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: TCP_KEEPALIVE_MS,
  };
}

/** SQL for the session's settings, the application name among them. */
export function sessionSql(applicationName: string): string {
  return `${SESSION_SQL}; set application_name = ${pg.escapeLiteral(applicationName)}`;
}

/** Host, port, database and user a URL leads to, after defaults; reads the certificate files it names. */
export function placeOf(client: pg.Client): Place {
  return {
    host: client.host,
    port: client.port,
    database: client.database ?? '',
    user: client.user ?? '',
  };
}

/**
 * A client that is not connected yet.
 * @throws WalflowError SOURCE_URL_INVALID, SOURCE_TLS_FAILED (a certificate file that cannot be read).
 */
export function createClient(url: string, applicationName: string, replication: boolean): pg.Client {
  const config = { ...clientConfig(url, applicationName), ...(replication ? { replication: 'database' } : {}) };
  try {
    return new pg.Client(config);
  } catch (cause) {
    if (cause instanceof Error && 'path' in cause) {
      throw new WalflowError('SOURCE_TLS_FAILED', `cannot read the certificate file ${String(cause.path)}`, { cause });
    }
    // The parser's message may repeat the URL, password included: it is not passed on.
    throw new WalflowError('SOURCE_URL_INVALID', 'the source URL cannot be read');
  }
}

/** The statements a connection can run. */
export interface Statements {
  /** Rows as objects, values by pg's default parsers. A walsender takes no `values`. */
  rows<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** The row of a statement that always returns one. */
  row<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row>;
  /** Rows as arrays of exactly the text the server prints; NULL is null. */
  textRows(text: string, values?: readonly string[]): Promise<(string | null)[][]>;
}

class ClientStatements implements Statements {
  readonly #client: pg.Client;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  async rows<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    // With an empty list pg would use the extended protocol, which a walsender refuses.
    const query = () =>
      values.length > 0 ? this.#client.query<Row>(text, [...values]) : this.#client.query<Row>(text);
    return (await typed(query)).rows;
  }

  async row<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row> {
    const [row] = await this.rows<Row>(text, values);
    if (row === undefined) throw new WalflowError('INTERNAL', 'a statement that always returns a row returned none');
    return row;
  }

  async textRows(text: string, values: readonly string[] = []): Promise<(string | null)[][]> {
    const query = {
      text,
      rowMode: 'array' as const,
      types: AS_TEXT,
      ...(values.length > 0 ? { values: [...values] } : {}),
    };
    return (await typed(() => this.#client.query<(string | null)[]>(query))).rows;
  }
}

export class PostgresConnection implements Statements {
  readonly place: Place;
  /** Rejects when the connection breaks; stays pending until then and after `close`. */
  readonly lost: Promise<never>;
  readonly #client: pg.Client;
  readonly #statements: ClientStatements;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(client: pg.Client) {
    this.#client = client;
    this.#statements = new ClientStatements(client);
    this.place = placeOf(client);
    this.lost = new Promise((_, reject) => {
      client.on('error', (cause) => reject(statementError(cause, 'the connection to the source')));
    });
    this.lost.catch(() => {});
  }

  rows<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]> {
    return this.#inTurn(() => this.#statements.rows<Row>(text, values));
  }

  row<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row> {
    return this.#inTurn(() => this.#statements.row<Row>(text, values));
  }

  textRows(text: string, values?: readonly string[]): Promise<(string | null)[][]> {
    return this.#inTurn(() => this.#statements.textRows(text, values));
  }

  /** Runs statements in one transaction; no other statement of this connection comes in between. */
  transaction<T>(begin: string, work: (statements: Statements) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      await this.#statements.rows(begin);
      try {
        const result = await work(this.#statements);
        await this.#statements.rows('commit');
        return result;
      } catch (failure) {
        await this.#statements.rows('rollback').catch(() => {});
        throw failure;
      }
    });
  }

  onNotification(listener: (channel: string, payload: string) => void): void {
    this.#client.on('notification', (message) => listener(message.channel, message.payload ?? ''));
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

async function typed<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (cause) {
    throw statementError(cause, 'a statement on the source');
  }
}

/**
 * Connects and sets up the session. `replication` opens a walsender, which takes replication commands, and SQL without
 * parameters.
 * @throws WalflowError SOURCE_UNREACHABLE, SOURCE_LOGIN_FAILED, SOURCE_DATABASE_MISSING, SOURCE_TLS_FAILED,
 *   SOURCE_IS_POOLER, SOURCE_NO_REPLICATION_RIGHT, SOURCE_NO_FREE_WALSENDER, …
 */
export async function connect(url: string, applicationName: string, replication = false): Promise<PostgresConnection> {
  const client = createClient(url, applicationName, replication);
  const connection = new PostgresConnection(client);
  try {
    await client.connect();
    await client.query(sessionSql(applicationName));
    return connection;
  } catch (cause) {
    await connection.close();
    throw connectError(cause, connection.place, replication);
  }
}
