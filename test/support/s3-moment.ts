// Fault tests choose their moment by what passes between a worker and the lake.

import type { S3Exchange, S3Proxy, Verdict } from './s3-proxy.ts';

const PATIENCE_MS = 60_000;

export const isManifestPut = ({ method, key }: S3Exchange) => method === 'PUT' && key.includes('/log/');

/** One that was there: a look for the next manifest finds none. */
export const isManifestRead = ({ method, key, status }: S3Exchange) =>
  method === 'GET' && key.includes('/log/') && status === 200;

export const isDataPut = ({ method, key }: S3Exchange) => method === 'PUT' && key.includes('/data/');
export const isDataGet = ({ method, key }: S3Exchange) => method === 'GET' && key.includes('/data/');

/**
 * Holds the next exchange that matches while `act` runs, then does with it what `act` says. Fails when none comes: then
 * nothing was in flight.
 */
export async function atExchange(
  s3: S3Proxy,
  side: 'before' | 'after',
  matches: (exchange: S3Exchange) => boolean,
  act: (exchange: S3Exchange) => Promise<Verdict>,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error('no such exchange: nothing was in flight')), PATIENCE_MS);
  s3[side] = async (exchange) => {
    if (!matches(exchange)) return undefined;
    s3[side] = () => undefined;
    try {
      const verdict = await act(exchange);
      resolve();
      return verdict;
    } catch (failure) {
      reject(failure);
      return 'drop';
    }
  };
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    s3[side] = () => undefined;
  }
}

/** Gives every nth exchange that matches a verdict, until `stop`; counts how many. */
export function spoilEvery(
  s3: S3Proxy,
  nth: number,
  matches: (exchange: S3Exchange) => boolean,
  verdict: Verdict,
): { readonly spoilt: number; stop(): void } {
  let seen = 0;
  let spoilt = 0;
  s3.after = (exchange) => {
    if (!matches(exchange) || exchange.status !== 200) return undefined;
    seen += 1;
    if (seen % nth !== 0) return undefined;
    spoilt += 1;
    return verdict;
  };
  return {
    get spoilt() {
      return spoilt;
    },
    stop: () => {
      s3.after = () => undefined;
    },
  };
}
