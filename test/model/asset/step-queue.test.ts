import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunStep, StepOutcome } from '../../../workflows/model/asset/run.ts';
import { StepQueue } from '../../../workflows/model/asset/step-queue.ts';

const outcomeOf = (status: 'succeeded' | 'unchanged' | 'failed'): StepOutcome => ({
  ...{ status, partitions: 1, unchanged: status === 'unchanged' ? 1 : 0, rows: 1 },
});
const END = fc.constantFrom('succeeded', 'unchanged', 'failed', 'throws');
/** Any graph in order, some of its steps due by themselves, with how each ends. */
const RUN = fc.array(fc.record({ reads: fc.array(fc.nat(20), { maxLength: 4 }), follows: fc.boolean(), end: END }), {
  minLength: 1,
  maxLength: 12,
});

test('every step runs once behind what it reads, or ends for a reason, at most so many at once', () => {
  fc.assert(
    fc.property(RUN, fc.integer({ min: 1, max: 4 }), (made, width) => {
      const steps = made.map(({ reads, follows }, no): RunStep => {
        const after = no === 0 ? [] : [...new Set(reads.map((read) => read % no))];
        return { no, asset: `a/${no}`, after, follows: follows && after.length > 0 };
      });
      const queue = new StepQueue(steps, width);
      const ended = new Map<number, string>();
      const running: number[] = [];
      while (!queue.isDone) {
        for (const { no, after } of queue.next()) {
          for (const { no: skipped, reason } of queue.conclusions()) ended.set(skipped, reason ?? 'throws');
          expect(after.every((one) => ended.has(one))).toBe(true);
          running.push(no);
        }
        expect(running.length).toBeLessThanOrEqual(width);
        const no = running.shift();
        if (no === undefined) continue;
        const end = made[no]?.end ?? 'succeeded';
        if (end === 'throws') queue.fail(no, 'x');
        else queue.end(no, outcomeOf(end));
        ended.set(no, end);
        for (const { no: skipped, reason } of queue.conclusions()) ended.set(skipped, reason ?? 'throws');
      }
      for (const { no, reason } of queue.conclusions()) ended.set(no, reason ?? 'throws');
      for (const { no, after, follows } of steps) {
        const before = after.map((one) => ended.get(one));
        const broken = before.some((end) => ['failed', 'throws', 'upstream-failed'].includes(end ?? ''));
        const idle = follows && !before.includes('succeeded');
        const wanted = broken ? 'upstream-failed' : idle ? 'up-to-date' : made[no]?.end;
        expect(ended.get(no)).toBe(wanted);
      }
    }),
  );
});
