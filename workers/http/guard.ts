// Who may call. The API holds every captured row and listens on a port that any web page's script can reach, so: foreign
// Host (DNS rebinding) and foreign Origin are refused, and beyond loopback nobody comes in without the token.

import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { MiddlewareHandler } from 'hono';
import { WalflowError } from '../../workflows/model/errors.ts';

export interface HttpGuard {
  /** Address the server listens on. */
  readonly bindHost: string;
  /** Names besides loopback that requests may be addressed to. */
  readonly allowedHosts: readonly string[];
  /** Undefined = no token is asked for, possible on loopback only. */
  readonly token: string | undefined;
}

/** @throws WalflowError HTTP_BIND_REFUSED when everybody on the network could read everything */
export function assertBindAllowed({ bindHost, token }: HttpGuard): void {
  if (isLoopback(bindHost) || token !== undefined) return;
  throw new WalflowError('HTTP_BIND_REFUSED', `listening on ${bindHost}, beyond this machine, needs a token`);
}

/** Host and Origin, for every path. */
export function guardOrigin(guard: HttpGuard): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header('host') ?? '';
    if (!isAllowedHost(host, guard)) {
      throw new WalflowError('HTTP_HOST_REFUSED', 'the request is addressed to a host name that is not this server');
    }
    const fetchSite = c.req.path === '/' ? undefined : c.req.header('sec-fetch-site');
    if (!isOwnOrigin(c.req.header('origin'), host, fetchSite)) {
      throw new WalflowError('HTTP_ORIGIN_REFUSED', 'the request comes from a web page of another origin');
    }
    await next();
  };
}

/** The token, for all that shows data or changes something. */
export function guardToken({ token }: HttpGuard): MiddlewareHandler {
  return async (c, next) => {
    if (token !== undefined && !isBearer(c.req.header('authorization'), token)) {
      c.header('www-authenticate', 'Bearer realm="walflow"');
      throw new WalflowError('HTTP_TOKEN_INVALID', 'the request carries no valid token');
    }
    await next();
  };
}

/** Beyond loopback an address is fine too: only names can be made to resolve to somebody else's machine. */
function isAllowedHost(header: string, { bindHost, allowedHosts }: HttpGuard): boolean {
  if (!/^[\w.:[\]-]+$/.test(header) || !URL.canParse(`http://${header}`)) return false;
  const name = bare(new URL(`http://${header}`).hostname);
  return (
    isLoopback(name) ||
    allowedHosts.some((allowed) => bare(allowed.toLowerCase()) === name) ||
    isAddress(name, bindHost)
  );
}

const isAddress = (name: string, bindHost: string) => !isLoopback(bindHost) && isIP(name) !== 0;

/**
 * Programs send neither header. Browsers send Origin with every request that could change something or be read, and
 * Sec-Fetch-Site with all of them; only the page itself, which holds no data, may be linked to from elsewhere.
 */
function isOwnOrigin(origin: string | undefined, host: string, fetchSite: string | undefined): boolean {
  if (origin !== undefined) return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
  return fetchSite === undefined || fetchSite === 'same-origin' || fetchSite === 'none';
}

function isLoopback(host: string): boolean {
  const name = bare(host.toLowerCase());
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

/** Without the brackets of an IPv6 address. */
const bare = (host: string) => host.replace(/^\[(.*)\]$/, '$1');

/** Digests have one length, so that comparing takes the same time for every wrong token. */
function isBearer(header: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const [, given] = /^Bearer +(\S+)$/i.exec(header ?? '') ?? [];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}
