// Who may call. The API gives access to every captured row, and scripts of any web page can reach its port. So requests with
// a foreign Host (DNS rebinding) or a foreign Origin are refused, and beyond loopback every caller needs the token.

import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { MiddlewareHandler } from 'hono';
import { WalflowError } from '../../workflows/model/errors.ts';

export interface HttpGuard {
  /** Address the server listens on. */
  readonly bindHost: string;
  /** Host names besides loopback that requests may name. */
  readonly allowedHosts: readonly string[];
  /** Undefined = no token is needed; allowed on loopback only. */
  readonly token: string | undefined;
}

/** @throws WalflowError HTTP_BIND_REFUSED when anyone on the network could read everything */
export function assertBindAllowed({ bindHost, token }: HttpGuard): void {
  if (isLoopback(bindHost) || token !== undefined) return;
  throw new WalflowError('HTTP_BIND_REFUSED', `listening on ${bindHost}, beyond this machine, needs a token`);
}

/** Checks Host and Origin, for every path. */
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

/** Checks the token, for everything that shows data or changes something. */
export function guardToken({ token }: HttpGuard): MiddlewareHandler {
  return async (c, next) => {
    if (token !== undefined && !isBearer(c.req.header('authorization'), token)) {
      c.header('www-authenticate', 'Bearer realm="walflow"');
      throw new WalflowError('HTTP_TOKEN_INVALID', 'the request carries no valid token');
    }
    await next();
  };
}

/** Beyond loopback an IP address is allowed too: only names can be made to resolve to another machine. */
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
 * Programs send neither header. Browsers send Origin with every request that could change something or whose answer a script
 * could read, and Sec-Fetch-Site with all requests. Only the page itself, which has no data, may be linked from elsewhere.
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

/** Digests have the same length, so comparing takes the same time for every wrong token. */
function isBearer(header: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const [, given] = /^Bearer +(\S+)$/i.exec(header ?? '') ?? [];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}
