// Any history of a source, cut anyhow: what is merged must equal what the source holds.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placed } from '../../../activities/warehouse/merge-plan.ts';
import { lsnToHex } from '../../../workflows/model/lsn.ts';
import { INT, TEXT, type TestChange, testEntry } from '../change-files.ts';
import { inOrder, type WarehouseLab } from '../lab.ts';
import { anyHistory, anyStatement, type SourceLog, SourceModel, type SourceRow } from '../source-model.ts';

const RUNS = Number(process.env['WALFLOW_TEST_RUNS'] ?? 60);
/** A snapshot is read in two chunks, each at one of these moments between transactions. */
const MOMENTS = 7;

const entryOf = (pipeline: string) =>
  testEntry(`${pipeline}.orders`, { a: INT, b: TEXT, note: TEXT, doc: TEXT, pic: TEXT }, ['b', 'a']);

const truncatesOf = (log: SourceLog) =>
  log.truncates.map((truncate) => ({ ...truncate, commitLsn: lsnToHex(BigInt(truncate.commitLsn)) }));

const rowsOf = (source: SourceModel) =>
  inOrder([...source.rows.values()].map(({ a, b, note, doc, pic }) => ({ a, b, note, doc, pic })));

const emptyLog = (): SourceLog => ({ changes: [], truncates: [] });

export function foldModel(lab: WarehouseLab): void {
  let pipelines = 0;

  describe('a fold', () => {
    test('of any history, cut into any windows, leaves the table equal to the source; merging again changes nothing', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyStatement, { maxLength: 8 }), anyHistory, async (before, windows) => {
          pipelines += 1;
          const pipeline = `live${pipelines}`;
          const entry = entryOf(pipeline);
          const source = new SourceModel();
          source.commit(before, emptyLog());
          await lab.goLive(pipeline, 1, entry, rowsOf(source));
          for (const transactions of windows) {
            const log = emptyLog();
            for (const statements of transactions) source.commit(statements, log);
            const changes = { ...(await lab.changes(entry, log.changes)), truncates: truncatesOf(log) };
            const plan = await lab.plan(pipeline, source.lsn + 1, { tables: [changes] });
            for (const tag of ['merged', 'already-merged']) {
              expect((await lab.mergePlan(plan)).tag).toBe(tag);
              expect(await lab.contents(entry)).toEqual(rowsOf(source));
            }
          }
        }),
        { numRuns: RUNS },
      );
    }, 120_000);

    test('of a snapshot read chunk by chunk under any traffic equals the source, or asks for a new snapshot', async () => {
      let loads = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyStatement, { maxLength: 8 }),
          fc.array(fc.array(anyStatement, { minLength: 1, maxLength: 4 }), { minLength: 3, maxLength: 6 }),
          fc.tuple(fc.nat({ max: MOMENTS - 1 }), fc.nat({ max: MOMENTS - 1 })),
          async (before, transactions, chunkMoments) => {
            pipelines += 1;
            const pipeline = `copy${pipelines}`;
            const entry = entryOf(pipeline);
            const source = new SourceModel();
            source.commit(before, emptyLog());
            const r0Lsn = lsnToHex(BigInt(source.lsn + 1));
            const log = emptyLog();
            const copied: SourceRow[] = [];
            for (let moment = 0; moment < MOMENTS; moment += 1) {
              chunkMoments.forEach((time, chunk) => {
                if (time === moment) copied.push(...chunkOf(source, chunk));
              });
              source.commit(transactions[moment] ?? [], log);
            }
            const rows = copied.map((row, ordinal): TestChange => ({ op: 'r', lsn: 1, ordinal, row: { ...row } }));
            const load = { ...(await lab.load(entry, rows, log.changes)), r0Lsn, truncates: truncatesOf(log) };
            const plan = { begins: [placed(entry)], loads: [load] };
            const outcome = await lab.merge(pipeline, source.lsn + 1, plan);
            if (outcome.unresolved.length > 0) return;
            loads += 1;
            expect(await lab.contents(entry)).toEqual(rowsOf(source));
          },
        ),
        { numRuns: RUNS * 2 },
      );
      // Asking for a new snapshot is the exception; a fold that always does so would pass the property above.
      expect(loads).toBeGreaterThan(RUNS);
    }, 120_000);
  });
}

/** The rows of one of two key ranges, as they are now. */
function chunkOf(source: SourceModel, chunk: number): readonly SourceRow[] {
  return [...source.rows.values()].filter((row) => (row.b < 'k2' ? 0 : 1) === chunk);
}
