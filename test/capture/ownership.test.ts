import { expect, test } from 'vitest';
import { foreignPart, type LakeClaim } from '../../activities/capture/ownership.ts';
import type { FoundOwnership } from '../../activities/wal/postgres/owner.ts';

const OURS = '11111111-1111-4111-8111-111111111111';
const OTHERS = '22222222-2222-4222-8222-222222222222';
const NAMES = { slot: 'walflow_shop', publication: 'walflow_shop' };
const CLAIM: LakeClaim = { id: OURS, slots: [] };

const slot = (more: object = {}) => ({
  ...{ name: NAMES.slot, plugin: 'pgoutput', database: 'shop', active: false },
  ...more,
});

function found(lakeId: string | null, slots: FoundOwnership['slots'], ownerSlot = NAMES.slot): FoundOwnership {
  return { database: 'shop', owner: lakeId === null ? null : { lakeId, slot: ownerSlot }, slots };
}

test('an empty source is free, and so is one whose owner has lost its slot', () => {
  expect(foreignPart(found(null, []), CLAIM, NAMES)).toBeNull();
  expect(foreignPart(found(OTHERS, []), CLAIM, NAMES)).toBeNull();
  expect(foreignPart(found(OTHERS, []), { id: null, slots: [] }, NAMES)).toBeNull();
});

test('a slot is ours when the publication names our lake and it', () => {
  expect(foreignPart(found(OURS, [slot()]), CLAIM, NAMES)).toBeNull();
  expect(foreignPart(found(OURS, [slot()], 'another'), CLAIM, NAMES)?.code).toBe('SLOT_FOREIGN');
});

test('where the publication names no lake, the lake has to name the slot: installations that have no identity yet', () => {
  const older: LakeClaim = { id: null, slots: [NAMES.slot] };
  expect(foreignPart(found(null, [slot()]), older, NAMES)).toBeNull();
  expect(foreignPart(found(null, [slot()]), { ...older, slots: ['another'] }, NAMES)?.code).toBe('SLOT_FOREIGN');
});

test('another lake’s slot is foreign, even if our own log names it', () => {
  const claim = { id: OURS, slots: [NAMES.slot] };
  expect(foreignPart(found(OTHERS, [slot()]), claim, NAMES)).toMatchObject({
    code: 'SLOT_FOREIGN',
    message: expect.stringContaining(OTHERS),
  });
});

test('a publication of another pipeline is foreign, whatever our slot is called', () => {
  const theirs = found(OTHERS, [slot({ name: 'other' })], 'other');
  expect(foreignPart(theirs, CLAIM, NAMES)).toMatchObject({
    code: 'PUBLICATION_UNUSABLE',
    message: expect.stringContaining('slot other'),
  });
});

test('nobody is advised to drop a slot that is read', () => {
  const hint = (active: boolean) => foreignPart(found(OTHERS, [slot({ active })]), CLAIM, NAMES)?.hint;
  expect(hint(true)).toMatch(/--pipeline.*being read right now$/);
  expect(hint(false)).toContain('pg_drop_replication_slot');
});

test('a slot of another plugin or database is not ours, whoever says so', () => {
  for (const more of [{ plugin: 'test_decoding' }, { database: 'other' }]) {
    expect(foreignPart(found(OURS, [slot(more)]), CLAIM, NAMES)?.code).toBe('SLOT_FOREIGN');
  }
});
