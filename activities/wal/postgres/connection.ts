// One connection to the source, with walflow's own session settings, whatever those of the role are. Statements of one
// connection run one after another.

import type { EventEmitter } from 'node:events';
import pg from 'pg';
import { WalflowError } from '../../../workflows/model/errors.ts';
import { type CopySink, copyOut, type DriverConnection } from './copy-out.ts';
import { connectError, copyError, type Place, sqlState, statementError } from './errors.ts';
import { guarded } from './guard.ts';
import { LATE_SETTINGS_SQL, startupOptions } from './session.ts';
import { openBulkSocket } from './socket.ts';
import { readSourceUrl } from './transport.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** After so long in silence the operating system checks whether the peer lives. */
const TCP_KEEPALIVE_MS = 30_000;

const STATEMENT = 'a statement on the source';

/** Leaves every value as the text the server printed. */
const AS_TEXT = { getTypeParser: () => (value: string) => value };

/** A way to connect: settings of a client, and where they lead. */
export interface Way {
  readonly config: pg.ClientConfig;
  readonly place: Place;
}

/**
 * The ways to connect, in the order to try them.
 * @throws WalflowError SOURCE_URL_INVALID, SOURCE_TLS_FAILED (a certificate file that cannot be read).
 */
export function waysTo(url: string, applicationName: string): readonly Way[] {
  const { connectionString, encryptions, direct, options } = readSourceUrl(url);
  const config: pg.ClientConfig = {
    connectionString,
    application_name: applicationName,
    options: startupOptions(options),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: TCP_KEEPALIVE_MS,
  };
  const place = placeOf(config);
  // A socket file of this machine is never encrypted.
  if (place.host.startsWith('/')) return [{ config: { ...config, ssl: false }, place }];
  return encryptions.map((encryption) => ({
    config: {
      ...config,
      ssl: encryption ?? false,
      ...(direct && encryption !== null ? { sslnegotiation: 'direct' as const } : {}),
    },
    place,
  }));
}

/** Tries one way after the other: the next one only if the transport of this one is not available. */
export async function byAnyWay<T>(ways: readonly Way[], attempt: (way: Way) => Promise<T>): Promise<T> {
  const failures: unknown[] = [];
  for (const way of ways) {
    try {
      return await attempt(way);
    } catch (failure) {
      failures.push(failure);
      if (!mayDependOnTransport(failure)) break;
    }
  }
  // Of two failures, "the server offers no TLS" is the less useful one.
  throw failures.find((failure) => !isTlsFailure(failure)) ?? failures[0];
}

/** invalid_authorization_specification: no entry of pg_hba.conf for this kind of connection. */
const NO_HBA_ENTRY = '28000';

const mayDependOnTransport = (failure: unknown) => isTlsFailure(failure) || sqlState(failure) === NO_HBA_ENTRY;
const isTlsFailure = (failure: unknown) => failure instanceof WalflowError && failure.code === 'SOURCE_TLS_FAILED';

/** Guards the TLS socket, which reads from the guarded socket below it. */
function guardTls(client: pg.Client): void {
  const { connection } = client as unknown as { readonly connection: DriverConnection & EventEmitter };
  connection.once('sslconnect', () => guarded(connection.stream));
}

/** Host, port, database and user, after defaults. */
function placeOf(config: pg.ClientConfig): Place {
  const { host, port, database, user } = createClient(config);
  return { host, port, database: database ?? '', user: user ?? '' };
}

/** A client that is not connected yet. */
function createClient(config: pg.ClientConfig): pg.Client {
  try {
    return new pg.Client(config);
  } catch {
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
  /** Runs COPY … TO STDOUT; if the sink stops it, the connection is closed. */
  copyOut(text: string, sink: CopySink): Promise<'ended' | 'stopped'>;
}

class ClientStatements implements Statements {
  readonly #client: pg.Client;
  /** Why the connection broke: the first report has the reason, later ones only say that it is gone. */
  #lossCause: WalflowError | null = null;
  /** Closed by ourselves: then there is nothing to commit. */
  ended = false;

  constructor(client: pg.Client, onLost: (cause: WalflowError) => void) {
    this.#client = client;
    client.on('error', (cause) => {
      this.#lossCause ??= statementError(cause, 'the connection to the source');
      onLost(this.#lossCause);
    });
  }

  async rows<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    // With an empty list pg would use the extended protocol, which a walsender refuses.
    const query = () =>
      values.length > 0 ? this.#client.query<Row>(text, [...values]) : this.#client.query<Row>(text);
    return (await this.#typed(query)).rows;
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
    return (await this.#typed(() => this.#client.query<(string | null)[]>(query))).rows;
  }

  async copyOut(text: string, sink: CopySink): Promise<'ended' | 'stopped'> {
    const outcome = await this.#typed(() => copyOut(this.#client, text, sink), copyError);
    if (outcome === 'stopped') this.ended = true;
    return outcome;
  }

  async #typed<T>(query: () => Promise<T>, errorOf = (cause: unknown) => statementError(cause, STATEMENT)): Promise<T> {
    try {
      return await query();
    } catch (cause) {
      throw this.#lossCause ?? errorOf(cause);
    }
  }
}

export class PostgresConnection implements Statements {
  readonly place: Place;
  /** Rejects when the connection breaks; stays pending until then and after `close`. */
  readonly lost: Promise<never>;
  readonly #client: pg.Client;
  readonly #statements: ClientStatements;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(client: pg.Client, place: Place) {
    this.#client = client;
    this.place = place;
    const lost = Promise.withResolvers<never>();
    this.lost = lost.promise;
    this.#statements = new ClientStatements(client, lost.reject);
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

  copyOut(text: string, sink: CopySink): Promise<'ended' | 'stopped'> {
    return this.#inTurn(() => this.#statements.copyOut(text, sink));
  }

  /** Runs statements in one transaction; no other statement of this connection comes in between. */
  transaction<T>(begin: string, work: (statements: Statements) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      await this.#statements.rows(begin);
      try {
        const result = await work(this.#statements);
        if (!this.#statements.ended) await this.#statements.rows('commit');
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

/**
 * Connects. `replication` opens a walsender, which takes replication commands and plain SQL without parameters.
 * @throws WalflowError SOURCE_UNREACHABLE, SOURCE_LOGIN_FAILED, SOURCE_DATABASE_MISSING, SOURCE_TLS_FAILED,
 *   SOURCE_IS_POOLER, SOURCE_NO_REPLICATION_RIGHT, SOURCE_NO_FREE_WALSENDER, …
 */
export async function connect(url: string, applicationName: string, replication = false): Promise<PostgresConnection> {
  return await byAnyWay(waysTo(url, applicationName), async ({ config, place }) => {
    // Not in pg's types, but this makes the session a walsender.
    const walsender = replication ? { replication: 'database' } : {};
    const client = createClient({ ...config, ...walsender, stream: openBulkSocket });
    guardTls(client);
    const connection = new PostgresConnection(client, place);
    try {
      await client.connect();
      await client.query(LATE_SETTINGS_SQL);
      return connection;
    } catch (cause) {
      await connection.close();
      throw connectError(cause, place, replication);
    }
  });
}
