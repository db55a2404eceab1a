// What the clock of partitions by time shows, in SQL: the pieces of asset/clock.ts as a tree of comparisons, so that a value
// passes a few of them, however many changes of the clock there are.

import type { ClockPiece } from '../../../workflows/model/asset/clock.ts';

/** The pieces that moments in [from, to) meet. */
export function piecesWithin(pieces: readonly ClockPiece[], fromMs: number, toMs: number): readonly ClockPiece[] {
  return pieces.filter(({ fromMs: begin }, i) => begin < toMs && (pieces[i + 1]?.fromMs ?? Infinity) > fromMs);
}

/** @param us a moment in microseconds @returns the time on the clock, TIMESTAMP */
export function clockSql(pieces: readonly ClockPiece[], us: string): string {
  const add = treeSql(pieces, us, ({ addMs, leastMs }) =>
    leastMs === null ? micros(addMs) : `greatest(${micros(addMs)}, ${micros(leastMs)} - ${us})`,
  );
  return `make_timestamp(${us}${add === '0' ? '' : ` + ${add}`})`;
}

/** The suffix that a key of this moment has, VARCHAR. */
export function suffixSql(pieces: readonly ClockPiece[], us: string): string {
  return treeSql(pieces, us, ({ suffix }) => `'${suffix}'`);
}

function treeSql(pieces: readonly ClockPiece[], us: string, leaf: (piece: ClockPiece) => string): string {
  const leaves = pieces.map(leaf);
  const branch = (from: number, to: number): string => {
    const first = leaves[from] ?? '0';
    if (leaves.slice(from, to).every((one) => one === first)) return first;
    const middle = Math.floor((from + to) / 2);
    const bound = micros(pieces[middle]?.fromMs ?? 0);
    return `case when ${us} < ${bound} then ${branch(from, middle)} else ${branch(middle, to)} end`;
  };
  return branch(0, pieces.length);
}

const micros = (ms: number) => `${BigInt(ms) * 1000n}`;
