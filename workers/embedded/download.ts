// Downloads a release archive and unpacks the program in it. Every byte is hashed on its way to disk, and nothing is
// unpacked unless length and checksum are right. A server that does not answer is given up on within seconds.

import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar';
import { ignored, safely } from '../../workflows/model/callback.ts';

/** `totalBytes` is null when it is not known. */
export type FetchEvent =
  | { readonly tag: 'started'; readonly title: string; readonly from: string }
  | { readonly tag: 'received'; readonly title: string; readonly bytes: number; readonly totalBytes: number | null };
export type OnFetch = (event: FetchEvent) => void;

export interface DownloadSource {
  readonly title: string;
  readonly program: string;
  readonly url: string;
  readonly sha256: string;
}

interface DownloadOptions {
  readonly onFetch: OnFetch;
  readonly signal?: AbortSignal;
  /** The download fails after so long without an answer or without a byte. */
  readonly silenceMs?: number;
}

const DEFAULT_SILENCE_MS = 8_000;

/**
 * @returns path of the program, executable, inside `folder`
 * @throws Error with the reason in words: unreachable, HTTP status, cut off, wrong checksum, program missing
 */
export async function downloadProgram(
  source: DownloadSource,
  folder: string,
  options: DownloadOptions,
): Promise<string> {
  options.onFetch({ tag: 'started', title: source.title, from: source.url });
  const archive = join(folder, 'archive.tar.gz');
  const sha256 = await download(source, archive, options);
  if (sha256 !== source.sha256) throw new Error(`wrong checksum (SHA-256 ${sha256}, expected ${source.sha256})`);
  await extract({ file: archive, cwd: folder, strict: true }, [source.program]);
  const program = join(folder, source.program);
  await chmod(program, 0o755).catch(() => {
    throw new Error(`the archive contains no ${source.program}`);
  });
  return program;
}

/** @returns hex SHA-256 of the stored bytes */
async function download(source: DownloadSource, file: string, options: DownloadOptions): Promise<string> {
  const watch = silenceWatch(options.silenceMs ?? DEFAULT_SILENCE_MS, options.signal);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const response = await fetch(source.url, { signal: watch.signal, headers: { 'accept-encoding': 'identity' } });
    if (!response.ok || response.body === null) throw new Error(`HTTP status ${response.status}`);
    const length = response.headers.get('content-length');
    const totalBytes = length === null ? null : Number(length);
    const counted = async function* (body: AsyncIterable<Uint8Array>) {
      for await (const chunk of body) {
        watch.heard();
        hash.update(chunk);
        bytes += chunk.length;
        options.onFetch({ tag: 'received', title: source.title, bytes, totalBytes });
        yield chunk;
      }
    };
    await pipeline(Readable.fromWeb(response.body), counted, createWriteStream(file), { signal: watch.signal });
    if (totalBytes !== null && bytes !== totalBytes) throw new Error('cut off');
    return hash.digest('hex');
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new Error(watch.signal.aborted ? 'no answer' : reasonOf(error, bytes), { cause: error });
  } finally {
    watch.end();
  }
}

/** A signal that aborts after `silenceMs` without a byte, or when `outer` does. */
function silenceWatch(silenceMs: number, outer: AbortSignal | undefined) {
  const silence = new AbortController();
  const timer = setTimeout(
    safely(() => silence.abort(), ignored),
    silenceMs,
  );
  return {
    signal: outer === undefined ? silence.signal : AbortSignal.any([silence.signal, outer]),
    heard: () => void timer.refresh(),
    end: () => clearTimeout(timer),
  };
}

/** fetch only says "fetch failed" or "terminated"; the useful reason is in the cause. */
function reasonOf(error: unknown, bytes: number): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause.message : null;
  return bytes > 0 ? `cut off after ${bytes} bytes (${cause ?? error.message})` : (cause ?? error.message);
}
