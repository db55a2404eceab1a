// The settings of every session that walflow opens: with them PostgreSQL prints a value as the same text everywhere (stream,
// snapshot, comparison), finds the same objects, and has no time limits. They are sent in the startup message, where they win
// over ALTER ROLE and ALTER DATABASE and apply before a first statement could run into a time limit.

interface Setting {
  readonly name: string;
  readonly value: string;
}

/** Every role may set these, on every supported version. */
const SETTINGS: readonly Setting[] = [
  // How values are printed. The driver sets the encoding.
  { name: 'TimeZone', value: 'UTC' },
  { name: 'DateStyle', value: 'ISO, YMD' },
  { name: 'IntervalStyle', value: 'postgres' },
  { name: 'extra_float_digits', value: '1' },
  { name: 'bytea_output', value: 'hex' },
  { name: 'lc_monetary', value: 'C' },
  // How names and literals are read and printed: no object of a user can hide one of the system catalog.
  { name: 'search_path', value: 'pg_catalog' },
  { name: 'quote_all_identifiers', value: 'off' },
  { name: 'standard_conforming_strings', value: 'on' },
  { name: 'array_nulls', value: 'on' },
  // No hidden rows: a read fails where row security would hide some.
  { name: 'row_security', value: 'off' },
  // Creating a slot and taking a snapshot may take long, and a session may wait for its next statement.
  { name: 'statement_timeout', value: '0' },
  { name: 'lock_timeout', value: '0' },
  { name: 'idle_in_transaction_session_timeout', value: '0' },
  { name: 'idle_session_timeout', value: '0' },
  // Publications are created and altered, even if the role's transactions are read-only by default.
  { name: 'default_transaction_read_only', value: 'off' },
  { name: 'default_transaction_isolation', value: 'read committed' },
  { name: 'default_transaction_deferrable', value: 'off' },
];
// session_replication_role is not set: it decides which triggers a write fires, but walflow writes to no table, and only a
// superuser may set it.

/** With less than this, a short pause of either process would end the stream. */
const MIN_SENDER_TIMEOUT_MS = 2_000;

/**
 * Settings that depend on the server, made by the first statement. transaction_timeout (from version 17) would also end a
 * walsender that takes longer to decode one transaction. A database without an encoding (SQL_ASCII) would refuse every text
 * that is not UTF-8 in the middle of the stream: so it sends bytes as they are, and the encoder checks them.
 */
export const LATE_SETTINGS_SQL = `
  select set_config(name, case name when 'transaction_timeout' then '0'
    when 'wal_sender_timeout' then '${MIN_SENDER_TIMEOUT_MS}' else 'SQL_ASCII' end, false)
  from pg_settings
  where case name when 'transaction_timeout' then true
    when 'wal_sender_timeout' then setting::int between 1 and ${MIN_SENDER_TIMEOUT_MS - 1}
    when 'client_encoding' then current_setting('server_encoding') = 'SQL_ASCII' else false end`;

/** The startup option `options`: the URL's own, then ours, which win. */
export function startupOptions(own: string | null): string {
  const ours = SETTINGS.map(({ name, value }) => `-c ${name}=${escaped(value)}`);
  return [...(own === null ? [] : [own]), ...ours].join(' ');
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-OPTIONS */
const escaped = (value: string) => value.replaceAll(/[\\ ]/g, '\\$&');
