// What the rules look for in a source file, each with the line it stands on.

export interface ModuleImport {
  readonly specifier: string;
  /** `import type`, `export type … from`, `import('…').T`: gone before the program runs. */
  readonly typeOnly: boolean;
  readonly line: number;
}

export interface Occurrence {
  readonly what: string;
  readonly line: number;
}

export interface FunctionSize {
  /** Absent for an inline callback. */
  readonly name?: string;
  readonly line: number;
  readonly lines: number;
}

/** The line, from 1, of an offset into the text. */
export type LineAt = (offset: number) => number;
