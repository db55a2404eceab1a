import { describe, expect, it } from 'vitest';
import { SnapshotPlaces } from '../../activities/snapshot/places.ts';

const NEVER = new AbortController().signal;
const later = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('places for reading', () => {
  it('are two, given in the order of asking, and given back once', async () => {
    const places = new SnapshotPlaces();
    const entered: string[] = [];
    const enter = (name: string) =>
      places.enterReading().then((leave) => {
        entered.push(name);
        return leave;
      });
    const [a, b, c] = [enter('a'), enter('b'), enter('c')];
    void enter('d');
    await later();
    expect(entered).toEqual(['a', 'b']);
    const leaveA = await a;
    leaveA();
    leaveA();
    await later();
    expect(entered, 'leaving twice frees one place').toEqual(['a', 'b', 'c']);
    (await b)();
    await later();
    expect(entered).toEqual(['a', 'b', 'c', 'd']);
    (await c)();
  });

  it('are taken without waiting by who holds a transaction open; the next one waits longer for that', async () => {
    const places = new SnapshotPlaces();
    const [a, b] = [await places.enterReading(), await places.enterReading()];
    const open = places.takeReading();
    let entered = false;
    void places.enterReading().then(() => {
      entered = true;
    });
    a();
    await later();
    expect(entered).toBe(false);
    open();
    await later();
    expect(entered).toBe(true);
    b();
  });
});

describe('the place for creating a slot', () => {
  it('is waited for while its holder gets on', async () => {
    const places = new SnapshotPlaces();
    const leave = await places.enterCreating(NEVER);
    let entered = false;
    const next = places.enterCreating(NEVER).then(() => {
      entered = true;
    });
    await later();
    expect(entered).toBe(false);
    leave();
    await next;
  });

  it('is not waited for once its holder waits for transactions: who asks holds no place meanwhile', async () => {
    let nowMs = 0;
    const places = new SnapshotPlaces(() => nowMs);
    const leave = await places.enterCreating(NEVER);
    const waiting = places.enterCreating(NEVER);
    nowMs = 3_001;
    await expect(waiting).rejects.toMatchObject({ code: 'SNAPSHOT_WAITS' });
    await expect(places.enterCreating(NEVER)).rejects.toMatchObject({ code: 'SNAPSHOT_WAITS' });
    // A table with a key is read meanwhile.
    (await places.enterReading())();
    leave();
    (await places.enterCreating(NEVER))();
  });
});

it('an attempt waits for the transactions that the first one found', () => {
  const places = new SnapshotPlaces();
  places.remember('s1', '700');
  expect([places.horizonOf('s1'), places.horizonOf('s2')]).toEqual(['700', undefined]);
  places.remember('s1', null);
  expect(places.horizonOf('s1'), 'nothing is left to wait for').toBeNull();
});
