import { describe, expect, it } from 'vitest';
import { readSourceUrl } from '../../../activities/wal/postgres/transport.ts';

const URL_START = 'postgres://walflow:p%40ss@db.example.com:6543/shop';
const read = (query: string) => readSourceUrl(`${URL_START}?${query}`);

describe('sslmode', () => {
  const unverified = { rejectUnauthorized: false };
  it.each([
    ['', [unverified, null]],
    ['sslmode=disable', [null]],
    ['sslmode=allow', [null, unverified]],
    ['sslmode=prefer', [unverified, null]],
    ['sslmode=require', [unverified]],
    ['sslmode=verify-full', [{}]],
    ['sslmode=verify-full&sslrootcert=system', [{}]],
    ['sslmode=no-verify', [unverified]],
    ['ssl=true', [{}]],
    ['ssl=0', [null]],
    ['sslmode=require&uselibpqcompat=true', [unverified]],
  ])('"%s" means what libpq, or node-postgres, means by it', (query, encryptions) => {
    expect(read(query).encryptions).toEqual(encryptions);
  });

  it.each([
    ['sslmode=verify-ca', 'sslrootcert'],
    ['sslmode=require&sslrootcert=system', 'verify-full'],
    ['sslmode=required', 'disable, allow, prefer, require, verify-ca, verify-full'],
  ])('"%s" is refused with what to write instead', (query, fix) => {
    expect(() => read(query)).toThrow(
      expect.objectContaining({ code: 'SOURCE_URL_INVALID', message: expect.stringContaining(fix) }),
    );
  });
});

it('leaves place and login as they are, and takes what the driver would read otherwise', () => {
  const { connectionString, options } = read(
    'host=%2Ftmp&sslmode=disable&options=-c%20work_mem%3D5MB&statement_timeout=5&application_name=x',
  );
  expect(connectionString).toBe(`${URL_START}?host=%2Ftmp`);
  expect(options).toBe('-c work_mem=5MB');
  expect(readSourceUrl(URL_START)).toMatchObject({ connectionString: URL_START, options: null, direct: false });
});
