// How the connection to the source is encrypted: `sslmode` and related parameters mean what they mean in libpq, because people
// give the same URL to psql. Some modes mean two attempts: the second kind of transport only if the first is not available.
// https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION

import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { WalflowError } from '../../../workflows/model/errors.ts';

/** Null = not encrypted. */
type Encryption = ConnectionOptions | null;

/** A source URL, taken apart. */
export interface SourceUrl {
  /** What is left for the driver: place and login. */
  readonly connectionString: string;
  /** In the order to try them. */
  readonly encryptions: readonly Encryption[];
  /** TLS begins with the first byte, without a question to the server. */
  readonly direct: boolean;
  /** Server settings from the URL (`options=-c …`). */
  readonly options: string | null;
}

/** Parameters for TLS. They are kept from node-postgres, which has rules of its own for most of them. */
const TLS_PARAMETERS = [
  ...['sslmode', 'ssl', 'sslrootcert', 'sslcert', 'sslkey', 'sslpassword', 'sslnegotiation', 'uselibpqcompat'],
] as const;
/** Kept from the driver: it would send them beside the startup options, and they would win. */
const SESSION_PARAMETERS = [
  ...['options', 'application_name', 'fallback_application_name', 'replication', 'client_encoding'],
  ...['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'query_timeout'],
] as const;
/** `sslrootcert=system`: the public certificate authorities. */
const PUBLIC_ROOTS = 'system';

/**
 * @throws WalflowError SOURCE_URL_INVALID for an unknown mode or one that lacks its certificate, SOURCE_TLS_FAILED for a
 *   file that cannot be read.
 */
export function readSourceUrl(url: string): SourceUrl {
  const at = url.indexOf('?');
  const parameters = new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
  const given = new Map([...parameters].filter(([, value]) => value !== ''));
  for (const name of [...TLS_PARAMETERS, ...SESSION_PARAMETERS]) parameters.delete(name);
  return {
    connectionString: at < 0 ? url : `${url.slice(0, at)}?${parameters}`,
    encryptions: encryptionsOf(given),
    direct: given.get('sslnegotiation') === 'direct',
    options: given.get('options') ?? null,
  };
}

type Given = ReadonlyMap<string, string>;

function encryptionsOf(given: Given): readonly Encryption[] {
  const mode = modeOf(given);
  const root = given.get('sslrootcert');
  if (root === PUBLIC_ROOTS && mode !== 'verify-full') {
    throw unusable(`sslrootcert=system goes with sslmode=verify-full, not with ${mode}`);
  }
  const unverified = () => ({ ...clientCertificate(given), rejectUnauthorized: false });
  const verified = () => ({
    ...clientCertificate(given),
    ...(root === undefined || root === PUBLIC_ROOTS ? {} : { ca: readText(root) }),
  });
  const verifiedForAnyHost = () => ({ ...verified(), checkServerIdentity: () => undefined });
  switch (mode) {
    case 'disable':
      return [null];
    case 'allow':
      return [null, unverified()];
    case 'prefer':
      return [unverified(), null];
    case 'no-verify':
      return [unverified()];
    case 'require':
      return [root === undefined ? unverified() : verifiedForAnyHost()];
    case 'verify-ca':
      if (root !== undefined) return [verifiedForAnyHost()];
      // Any server can have a certificate of a public authority.
      throw unusable('sslmode=verify-ca needs sslrootcert, the file of the authority (or use verify-full)');
    case 'verify-full':
      return [verified()];
    default:
      throw unusable(`sslmode=${mode} is none of disable, allow, prefer, require, verify-ca, verify-full`);
  }
}

/** `ssl=` and `no-verify` are node-postgres's own, and many URLs have them. */
function modeOf(given: Given): string {
  const mode = given.get('sslmode');
  if (mode !== undefined) return mode;
  const ssl = given.get('ssl');
  if (ssl === 'true' || ssl === '1') return 'verify-full';
  if (ssl === 'false' || ssl === '0') return 'disable';
  return ssl ?? 'prefer';
}

function clientCertificate(given: Given): ConnectionOptions {
  const [cert, key, passphrase] = [given.get('sslcert'), given.get('sslkey'), given.get('sslpassword')];
  return {
    ...(cert === undefined ? {} : { cert: readText(cert) }),
    ...(key === undefined ? {} : { key: readText(key) }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new WalflowError('SOURCE_TLS_FAILED', `cannot read the certificate file ${path}`, { cause });
  }
}

function unusable(what: string): WalflowError {
  return new WalflowError('SOURCE_URL_INVALID', what, {
    hint: 'write sslmode and sslrootcert in the source URL as for psql',
  });
}
