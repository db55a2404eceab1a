// Coloured, cut and aligned pieces of a line. A line stays a list of spans until it is printed, so that cutting it to the
// terminal's width never splits an escape sequence, and without colours it is the same text. Pure.

import { styleText } from 'node:util';

export type Tone = 'plain' | 'strong' | 'quiet' | 'good' | 'warn' | 'bad' | 'link';

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

export type Line = readonly Span[];

const FORMATS = {
  plain: [],
  strong: ['bold'],
  quiet: ['dim'],
  good: ['green'],
  warn: ['yellow'],
  bad: ['red'],
  link: ['cyan'],
} as const satisfies Record<Tone, readonly string[]>;

/** Control characters become blanks: a reason from outside must not move the cursor. */
export function span(text: string, tone: Tone = 'plain'): Span {
  return { text: text.replace(/\p{Cc}/gu, ' '), tone };
}

/** A span filled with blanks to `width`; a longer one ends with an ellipsis. */
export function cell(text: string, width: number, align: 'left' | 'right' = 'left', tone: Tone = 'plain'): Span {
  const short = [...text].length > width ? `${[...text].slice(0, Math.max(0, width - 1)).join('')}…` : text;
  return span(align === 'left' ? short.padEnd(width) : short.padStart(width), tone);
}

/** One line of at most `width` characters, without blanks at its end. */
export function lineText(line: Line, width: number, colors: boolean): string {
  const shown = trimmed(cut(line, width));
  return shown.map(({ text, tone }) => painted(text, tone, colors)).join('');
}

function cut(line: Line, width: number): Line {
  let left = width;
  return line.map(({ text, tone }) => {
    const points = [...text].slice(0, left);
    left -= points.length;
    return { text: points.join(''), tone };
  });
}

function trimmed(line: Line): Line {
  const last = line.findLastIndex(({ text }) => text.trim() !== '');
  return line.slice(0, last + 1).map((piece, i) => (i === last ? { ...piece, text: piece.text.trimEnd() } : piece));
}

function painted(text: string, tone: Tone, colors: boolean): string {
  if (!colors || tone === 'plain' || text === '') return text;
  return styleText([...FORMATS[tone]], text, { validateStream: false });
}
