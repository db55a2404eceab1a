// What every warehouse engine has to do, by the words of the port. An engine's own test file runs the suite with a lab of
// its own and says which sections it does not carry, and why.

import { describe, test } from 'vitest';
import { assetChanges } from './conformance/asset-changes.ts';
import { comparison } from './conformance/comparison.ts';
import { detaching } from './conformance/detaching.ts';
import { foldModel } from './conformance/fold-model.ts';
import { liveTable } from './conformance/live-table.ts';
import { loadingTable } from './conformance/loading-table.ts';
import { reader } from './conformance/reader.ts';
import { standing } from './conformance/standing.ts';
import { typedComparison } from './conformance/typed-comparison.ts';
import { watermark } from './conformance/watermark.ts';
import type { WarehouseLab } from './lab.ts';

const SECTIONS = {
  merge: [liveTable, loadingTable, watermark, foldModel],
  standing: [standing, detaching],
  'asset bookkeeping': [assetChanges],
  comparison: [comparison],
  'comparison of typed values': [typedComparison],
  reader: [reader],
} as const satisfies Readonly<Record<string, readonly ((lab: WarehouseLab) => void)[]>>;

type Section = keyof typeof SECTIONS;

/** Registers the suite's tests in the calling file; a section that is left out is printed with its reason. */
export function conformance(lab: WarehouseLab, leftOut: Readonly<Partial<Record<Section, string>>>): void {
  lab.forFile();
  for (const [name, parts] of Object.entries(SECTIONS)) {
    const reason = leftOut[name as Section];
    describe(name, () => {
      if (reason === undefined) for (const register of parts) register(lab);
      else test('is not carried', ({ skip }) => skip(true, reason));
    });
  }
}
