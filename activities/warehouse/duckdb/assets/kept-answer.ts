// An answer that holds until something is written. Status and decisions ask again and again, and mostly nothing has happened:
// planning their statement takes many times as long as looking it up here.

export class KeptAnswer<Answer> {
  #kept: { readonly about: string; readonly answer: Promise<Answer> } | null = null;

  /** ⚠ After the commit: a question that began before it may have missed what it wrote. */
  forget(): void {
    this.#kept = null;
  }

  /** @param about what else the answer depends on */
  async get(about: string, ask: () => Promise<Answer>): Promise<Answer> {
    if (this.#kept?.about === about) return await this.#kept.answer;
    const kept = { about, answer: ask() };
    this.#kept = kept;
    try {
      return await kept.answer;
    } catch (failure) {
      if (this.#kept === kept) this.#kept = null;
      throw failure;
    }
  }
}
