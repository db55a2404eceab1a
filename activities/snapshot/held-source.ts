// The connection that the snapshots of one run use, one after the other: connecting costs more than reading a small table.

import type { Source } from '../wal/postgres/source.ts';

export class HeldSource {
  readonly #open: () => Promise<Source>;
  #source: Source | null = null;
  #unencoded: boolean | null = null;

  constructor(open: () => Promise<Source>) {
    this.#open = open;
  }

  /** The connection, if there is one. */
  get current(): Source | null {
    return this.#source;
  }

  /** Connects unless there is a connection. */
  async get(): Promise<Source> {
    this.#source ??= await this.#open();
    return this.#source;
  }

  /** Whether the source has no encoding. Asked once: it is so for as long as the database lives. */
  async unencoded(): Promise<boolean> {
    this.#unencoded ??= (await (await this.get()).identifySystem()).unencoded;
    return this.#unencoded;
  }

  /** Closes the connection, if there is one: whoever asks next gets another. */
  async drop(): Promise<void> {
    const source = this.#source;
    this.#source = null;
    await source?.close();
  }
}
