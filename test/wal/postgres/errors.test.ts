import { describe, expect, it } from 'vitest';
import {
  connectError,
  copyError,
  sqlState,
  statementError,
  streamError,
} from '../../../activities/wal/postgres/errors.ts';
import { WalflowError } from '../../../workflows/model/errors.ts';

const PLACE = { host: 'db.example.com', port: 5432, database: 'shop', user: 'walflow' };

/** An error as pg throws it. */
const failureOf = (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
  Object.assign(new Error(message), fields);

describe('statementError', () => {
  it.each([
    ['cannot read from logical replication slot "s"', { code: '55000' }, 'SLOT_LOST'],
    ['requested WAL segment 0000000100000000000000A1 has already been removed', { code: '58P01' }, 'SLOT_LOST'],
    ['can no longer get changes from replication slot "s"', { code: '55000' }, 'SLOT_LOST'],
    ['can no longer access replication slot "s"', { code: '55000' }, 'SLOT_LOST'],
    ['replication slot "s" was not created in this database', { code: '55000' }, 'SOURCE_REFUSED'],
    ['la ranura no existe', { code: '42704', routine: 'ReplicationSlotAcquire' }, 'SLOT_MISSING'],
    ['la publicación no existe', { code: '42704', routine: 'get_publication_oid' }, 'PUBLICATION_MISSING'],
    ['all replication slots are in use', { code: '53400' }, 'SOURCE_NO_FREE_SLOT'],
    ['terminating connection due to administrator command', { code: '57P01' }, 'SOURCE_UNREACHABLE'],
    ['Connection terminated unexpectedly', {}, 'SOURCE_UNREACHABLE'],
    ['write EPIPE', { code: 'EPIPE' }, 'SOURCE_UNREACHABLE'],
    ['division by zero', { code: '22012' }, 'SOURCE_REFUSED'],
  ])('%s', (message, fields, code) => {
    expect(statementError(failureOf(message, fields), 'replication')).toMatchObject({ code });
  });

  it.each([
    ['terminating connection due to idle-session timeout', '57P05', 'SOURCE_UNREACHABLE'],
    ['terminating connection due to transaction timeout', '25P04', 'SOURCE_UNREACHABLE'],
    ['canceling statement due to statement timeout', '57014', 'SOURCE_REFUSED'],
  ])('repeats in its hint why the server ended it: %s', (message, code, expected) => {
    const error = statementError(failureOf(message, { code }), 'replication');
    expect(error).toMatchObject({ code: expected, hint: expect.stringContaining(`"${message}"`) });
    expect(error.hint).not.toContain('firewall');
  });

  it('leaves a typed error as it is', () => {
    const own = new WalflowError('SLOT_BUSY', 'someone reads it');
    expect(statementError(own, 'anything')).toBe(own);
  });
});

describe('connectError', () => {
  it.each([
    ['self-signed certificate', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'SOURCE_TLS_FAILED'],
    ['unable to verify the first certificate', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, 'SOURCE_TLS_FAILED'],
    [
      "Hostname/IP does not match certificate's altnames",
      { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
      'SOURCE_TLS_FAILED',
    ],
    ['getaddrinfo ENOTFOUND db.example.com', { code: 'ENOTFOUND' }, 'SOURCE_UNREACHABLE'],
    ['timeout expired', {}, 'SOURCE_UNREACHABLE'],
    ['SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string', {}, 'SOURCE_LOGIN_FAILED'],
    ['no pg_hba.conf entry for host "10.0.0.1"', { code: '28000' }, 'SOURCE_LOGIN_FAILED'],
  ])('%s', (message, fields, code) => {
    const error = connectError(failureOf(message, fields), PLACE, false);
    expect(error.code).toBe(code);
    expect(error.message).toContain('database "shop" at db.example.com:5432 as user "walflow"');
  });

  it('reads what Node says when every address of a name refused', () => {
    const cause = new AggregateError([failureOf('connect ECONNREFUSED ::1:5432', { code: 'ECONNREFUSED' })]);
    expect(connectError(cause, PLACE, true)).toMatchObject({
      code: 'SOURCE_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED ::1:5432'),
    });
  });
});

it('finds the SQLSTATE below a typed error', () => {
  expect(sqlState(statementError(failureOf('in use', { code: '55006' }), 'x'))).toBe('55006');
  expect(sqlState(failureOf('reset', { code: 'ECONNRESET' }))).toBeNull();
});

describe('a row that the server cannot print', () => {
  const alloc = { code: 'XX000', routine: 'MemoryContextSizeFailure' };
  const message = 'invalid memory alloc request size 1200000003';
  const where = 'slot "s", output plugin "pgoutput", in the change callback, associated LSN 0/1';

  it.each([
    ['its table', copyError(failureOf(message, alloc)), 'VALUE_TOO_LARGE'],
    ['its table', copyError(failureOf('too long', { code: '54000', routine: 'enlargeStringInfo' })), 'VALUE_TOO_LARGE'],
    ['nothing', copyError(failureOf('anything else', alloc)), 'SOURCE_REFUSED'],
    ['the stream', streamError(failureOf(message, { ...alloc, where }), 's'), 'CHANGE_UNPRINTABLE'],
    ['no change', streamError(failureOf(message, alloc), 's'), 'SOURCE_REFUSED'],
  ])('concerns %s', (_, error, code) => {
    expect(error.code).toBe(code);
  });
});
