// Turns failures of PostgreSQL and of the network into walflow's errors. SQLSTATE decides; the server's text is only
// repeated, because it may be translated. Messages name host, port, database and user, never a password.

import { type ErrorCode, WalflowError } from '../../../workflows/model/errors.ts';

/** Where a connection leads, for messages. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** The parts of pg's DatabaseError and of Node's system errors that decide. */
interface Failure {
  readonly code?: unknown;
  readonly routine?: unknown;
  /** What the server was doing. */
  readonly where?: unknown;
  readonly message: string;
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_STATE: Readonly<Record<string, ErrorCode>> = {
  '28000': 'SOURCE_LOGIN_FAILED',
  '28P01': 'SOURCE_LOGIN_FAILED',
  '3D000': 'SOURCE_DATABASE_MISSING',
  '42P01': 'SOURCE_TABLE_MISSING',
  '42501': 'SOURCE_PERMISSION_DENIED',
  '53300': 'SOURCE_TOO_MANY_CONNECTIONS',
  '55006': 'SLOT_BUSY',
  '57P01': 'SOURCE_UNREACHABLE',
  '57P02': 'SOURCE_UNREACHABLE',
  '57P03': 'SOURCE_UNREACHABLE',
  '25P03': 'SOURCE_UNREACHABLE',
  '25P04': 'SOURCE_UNREACHABLE',
  '57P05': 'SOURCE_UNREACHABLE',
};

const NETWORK_CODES = /^(ECONN|EHOST|ENET|ENOTFOUND|EAI_|ETIMEDOUT|EPIPE|EADDR)/;
const NETWORK_TEXTS = /timeout expired|Connection terminated|Client has encountered a connection error|not queryable/;
/** OpenSSL's verification results and Node's own TLS codes. */
const TLS_CODES =
  /CERT|SELF_SIGNED|^ERR_TLS|^ERR_SSL|^ERR_OSSL|UNABLE_TO_(VERIFY|GET)|^EPROTO$|HOSTNAME_MISMATCH|INVALID_CA/;
const TLS_TEXTS = /SSL|sslmode|sslrootcert/;

/** `database "shop" at db.example.com:5432 as user "walflow"`. */
export function placeText(place: Place): string {
  return `database "${place.database}" at ${place.host}:${place.port} as user "${place.user}"`;
}

/** The typed error for a failed connection attempt. */
export function connectError(cause: unknown, place: Place, replication: boolean): WalflowError {
  if (cause instanceof WalflowError) return cause;
  const failure = failureOf(cause);
  const what = `could not connect to ${placeText(place)}${replication ? ' for replication' : ''}: ${failure.message}`;
  return errorOf(connectCode(failure, replication), what, failure, cause);
}

/** The typed error for a statement or a stream that failed on an open connection. */
export function statementError(cause: unknown, doing: string): WalflowError {
  if (cause instanceof WalflowError) return cause;
  const failure = failureOf(cause);
  return errorOf(statementCode(failure), `${doing} failed: ${failure.message}`, failure, cause);
}

/** The typed error for a COPY that failed: a row that the server cannot print is its table's trouble. */
export function copyError(cause: unknown): WalflowError {
  if (cause instanceof WalflowError || !isUnprintable(failureOf(cause)))
    return statementError(cause, 'a COPY on the source');
  const { message } = failureOf(cause);
  return new WalflowError(
    'VALUE_TOO_LARGE',
    `the server cannot print a row, which has more than 1 GiB as text (${message})`,
    {
      cause,
    },
  );
}

/** The typed error for a stream that failed. */
export function streamError(cause: unknown, slot: string): WalflowError {
  const failure = failureOf(cause);
  // Outside its callbacks the same failure is another one: catalog changes that take more memory than the server allows.
  if (!isUnprintable(failure) || !/pgoutput/.test(String(failure.where))) {
    return statementError(cause, `replication from slot ${slot}`);
  }
  const what = `the server cannot print a change, which has more than 1 GiB as text (${failure.message})`;
  return new WalflowError('CHANGE_UNPRINTABLE', what, { cause });
}

/** A value takes less room in a row than as text: a bytea half, a bit string an eighth. Such messages are not translated. */
function isUnprintable({ code, routine, message }: Failure): boolean {
  if (code === '54000') return routine === 'enlargeStringInfo';
  return code === 'XX000' && message.startsWith('invalid memory alloc request size');
}

/** When the server ended the session or cancelled the statement, that is the hint, instead of the code's. */
function errorOf(code: ErrorCode, what: string, failure: Failure, cause: unknown): WalflowError {
  const ended = ENDINGS[String(failure.code)];
  if (ended === undefined) return new WalflowError(code, what, { cause });
  return new WalflowError(code, what, { cause, hint: `the server ${ended} and says "${failure.message}"` });
}

/** What the server did, by SQLSTATE. */
const ENDINGS: Readonly<Record<string, string>> = {
  '25P03': 'ended the session by its idle_in_transaction_session_timeout',
  '25P04': 'ended the session by its transaction_timeout',
  '57014': 'cancelled the statement (a timeout, or pg_cancel_backend)',
  '57P01': 'ended the session (an administrator, or a shutdown)',
  '57P02': 'crashed and recovers',
  '57P03': 'takes no connections yet',
  '57P05': 'ended the session by its idle_session_timeout',
  '55P03': 'gave up a lock by its lock_timeout',
};

/** SQLSTATE of a server's error, wrapped or not; null for anything else. */
export function sqlState(cause: unknown): string | null {
  if (cause instanceof WalflowError) return sqlState(cause.cause);
  const { code } = failureOf(cause);
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}

function connectCode(failure: Failure, replication: boolean): ErrorCode {
  const { code, message } = failure;
  // pgbouncer's own message: it refuses startup parameters it does not know, `replication` among them.
  if (code === '08P01' && /startup parameter/i.test(message)) return 'SOURCE_IS_POOLER';
  if (code === '42501' && replication) return 'SOURCE_NO_REPLICATION_RIGHT';
  if (code === '53300' && replication) return 'SOURCE_NO_FREE_WALSENDER';
  if (/^SASL|password must be a string|no password supplied/i.test(message)) return 'SOURCE_LOGIN_FAILED';
  return codeOf(failure);
}

function statementCode(failure: Failure): ErrorCode {
  const { code, routine, message } = failure;
  // One SQLSTATE stands for several objects: the name of the server's C function is the same in every language.
  if (code === '42704' && String(routine).startsWith('ReplicationSlot')) return 'SLOT_MISSING';
  if (code === '42704' && /publication/i.test(`${routine} ${message}`)) return 'PUBLICATION_MISSING';
  // "cannot read from" in 15, "can no longer get changes from" until 17, "can no longer access" from 18.
  if (code === '55000' && /can no longer|cannot read from logical/.test(message)) return 'SLOT_LOST';
  if (code === '58P01' && /WAL segment/.test(message)) return 'SLOT_LOST';
  if (code === '53400') return 'SOURCE_NO_FREE_SLOT';
  return codeOf(failure);
}

function codeOf({ code, message }: Failure): ErrorCode {
  if (typeof code === 'string') {
    const known = BY_STATE[code];
    if (known !== undefined) return known;
    if (NETWORK_CODES.test(code)) return 'SOURCE_UNREACHABLE';
    if (TLS_CODES.test(code)) return 'SOURCE_TLS_FAILED';
  }
  if (NETWORK_TEXTS.test(message)) return 'SOURCE_UNREACHABLE';
  if (TLS_TEXTS.test(message)) return 'SOURCE_TLS_FAILED';
  return 'SOURCE_REFUSED';
}

/** Node tries every address of a name and reports an AggregateError with an empty message: the first says enough. */
function failureOf(cause: unknown): Failure {
  if (cause instanceof AggregateError && cause.errors.length > 0) return failureOf(cause.errors[0]);
  if (cause instanceof Error) return cause;
  return { message: String(cause) };
}
