// The settings of every session walflow opens: under which PostgreSQL prints the same text for a value everywhere (stream,
// copy, comparison), finds the same objects, and ends nothing by a clock. They travel in the startup message: there they
// beat what ALTER ROLE and ALTER DATABASE say, and hold before the first statement could run into a time limit.

interface Setting {
  readonly name: string;
  readonly value: string;
}

/** Every role may set these, on every version walflow supports. */
const SETTINGS: readonly Setting[] = [
  // How values are printed. The encoding is asked for by the driver.
  { name: 'TimeZone', value: 'UTC' },
  { name: 'DateStyle', value: 'ISO, YMD' },
  { name: 'IntervalStyle', value: 'postgres' },
  { name: 'extra_float_digits', value: '1' },
  { name: 'bytea_output', value: 'hex' },
  { name: 'lc_monetary', value: 'C' },
  // How names and literals are read and printed: nothing of the user's can stand in front of the system catalog.
  { name: 'search_path', value: 'pg_catalog' },
  { name: 'quote_all_identifiers', value: 'off' },
  { name: 'standard_conforming_strings', value: 'on' },
  { name: 'array_nulls', value: 'on' },
  // No hidden rows: row security makes a read fail instead.
  { name: 'row_security', value: 'off' },
  // Making a slot and copying a table take as long as they take, and a session may wait for its next statement.
  { name: 'statement_timeout', value: '0' },
  { name: 'lock_timeout', value: '0' },
  { name: 'idle_in_transaction_session_timeout', value: '0' },
  { name: 'idle_session_timeout', value: '0' },
  // A publication is made and altered, whatever a role's transactions are by default.
  { name: 'default_transaction_read_only', value: 'off' },
  { name: 'default_transaction_isolation', value: 'read committed' },
  { name: 'default_transaction_deferrable', value: 'off' },
];
// session_replication_role is missing: it decides which triggers a write fires, walflow writes to no table, and only a
// superuser may set it.

/** Shorter than this a pause of either process would end the stream. */
const MIN_SENDER_TIMEOUT_MS = 2_000;

/**
 * Settings that depend on the server, so made by the first statement. transaction_timeout (from version 17) also ends a
 * walsender that decodes one transaction for longer. A database without an encoding (SQL_ASCII) would refuse, in the middle
 * of the stream, each text that is no UTF-8: it sends bytes as they are, and the encoder looks at them.
 */
export const LATE_SETTINGS_SQL = `
  select set_config(name, case name when 'transaction_timeout' then '0'
    when 'wal_sender_timeout' then '${MIN_SENDER_TIMEOUT_MS}' else 'SQL_ASCII' end, false)
  from pg_settings
  where case name when 'transaction_timeout' then true
    when 'wal_sender_timeout' then setting::int between 1 and ${MIN_SENDER_TIMEOUT_MS - 1}
    when 'client_encoding' then current_setting('server_encoding') = 'SQL_ASCII' else false end`;

/** The startup option `options`: what the URL itself asks for, then ours, which wins. */
export function startupOptions(own: string | null): string {
  const ours = SETTINGS.map(({ name, value }) => `-c ${name}=${escaped(value)}`);
  return [...(own === null ? [] : [own]), ...ours].join(' ');
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-OPTIONS */
const escaped = (value: string) => value.replaceAll(/[\\ ]/g, '\\$&');
