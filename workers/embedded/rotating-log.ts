// A child's log file: bounded, with its end kept in memory for the error message when the child dies. Writes are
// synchronous, so that the last output before a crash is in the file when someone opens it.

import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const DEFAULT_MAX_BYTES = 10 * 1024 * 1024;
const KEPT_FILES = 3;
/** Enough for the last messages of any server, small enough to keep in memory for each child. */
const TAIL_BYTES = 16 * 1024;

export class RotatingLog {
  readonly file: string;
  readonly #maxBytes: number;
  #descriptor: number;
  #bytes: number;
  #tail = '';

  /** Appends to `file`; past `maxBytes` it becomes `file.1`, `.1` becomes `.2`, and the oldest is dropped. */
  constructor(file: string, maxBytes: number = DEFAULT_MAX_BYTES) {
    mkdirSync(dirname(file), { recursive: true });
    this.file = file;
    this.#maxBytes = maxBytes;
    this.#descriptor = openSync(file, 'a');
    this.#bytes = fstatSync(this.#descriptor).size;
  }

  write(chunk: Buffer): void {
    if (this.#bytes > 0 && this.#bytes + chunk.length > this.#maxBytes) this.#rotate();
    writeSync(this.#descriptor, chunk);
    this.#bytes += chunk.length;
    this.#tail = (this.#tail + chunk.toString('utf8')).slice(-TAIL_BYTES);
  }

  /** The last lines written by this process, oldest first. */
  tail(lines: number): string {
    return this.#tail.trimEnd().split('\n').slice(-lines).join('\n');
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #rotate(): void {
    closeSync(this.#descriptor);
    for (let age = KEPT_FILES - 1; age >= 1; age--) renameIfThere(`${this.file}.${age}`, `${this.file}.${age + 1}`);
    renameIfThere(this.file, `${this.file}.1`);
    this.#descriptor = openSync(this.file, 'a');
    this.#bytes = 0;
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
