import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { appendManifest, findHead, type ManifestStore, readManifest } from '../../activities/lake/log.ts';
import { encodeManifest } from '../../activities/lake/manifest-codec.ts';
import { manifestKey } from '../../activities/lake/object-key.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { SAMPLE } from './sample-manifest.ts';

const KEY = manifestKey(1);
const OURS = encodeManifest(SAMPLE);
const FOREIGN = encodeManifest({ ...SAMPLE, writer: { ...SAMPLE.writer, runId: 'run-2', nonce: 'ffff' } });

/** What a PUT does to the store, and what its caller is told. */
type PutStep = 'works' | 'answer lost after the store' | 'lost before the store' | 'told exists, nothing there';

class ScriptedStore implements ManifestStore {
  readonly objects = new Map<string, Buffer>();
  puts = 0;
  readonly #script: PutStep[];

  constructor(script: readonly PutStep[] = []) {
    this.#script = [...script];
  }

  async get(key: string): Promise<Buffer | null> {
    return this.objects.get(key) ?? null;
  }

  async exists(key: string): Promise<boolean> {
    return this.objects.has(key);
  }

  async putIfAbsent(key: string, body: Uint8Array): Promise<'stored' | 'exists'> {
    this.puts += 1;
    const step = this.#script.shift() ?? 'works';
    if (step === 'told exists, nothing there') return 'exists';
    if (step === 'lost before the store') throw new WalflowError('LAKE_UNREACHABLE', 'timed out');
    const taken = this.objects.has(key);
    if (!taken) this.objects.set(key, Buffer.from(body));
    if (step === 'answer lost after the store') throw new WalflowError('LAKE_UNREACHABLE', 'timed out');
    return taken ? 'exists' : 'stored';
  }
}

describe('appending', () => {
  test.each<[string, PutStep[], number]>([
    ['at once', ['works'], 1],
    ['although the answer was lost', ['answer lost after the store'], 1],
    ['when the first try never arrived', ['lost before the store', 'works'], 2],
    ['when the second try meets the first', ['told exists, nothing there', 'answer lost after the store'], 2],
    ['at the third try', ['lost before the store', 'lost before the store', 'works'], 3],
  ])('succeeds %s', async (_, script, puts) => {
    const store = new ScriptedStore(script);
    expect(await appendManifest(store, SAMPLE)).toEqual({ manifest: SAMPLE, hash: OURS.hash });
    expect(store.objects.get(KEY)?.equals(OURS.bytes)).toBe(true);
    expect(store.puts).toBe(puts);
  });

  test('takes an object with its own bytes for its own first try', async () => {
    const store = new ScriptedStore();
    store.objects.set(KEY, OURS.bytes);
    expect((await appendManifest(store, SAMPLE)).hash).toBe(OURS.hash);
  });

  test.each<[string, PutStep]>([
    ['was told so', 'works'],
    ['was told nothing', 'lost before the store'],
  ])('ends when another writer has the number and it %s', async (_, step) => {
    const store = new ScriptedStore([step]);
    store.objects.set(KEY, FOREIGN.bytes);
    const failure = expect.objectContaining({ code: 'LOG_TAKEN_OVER', message: expect.stringContaining('run-2') });
    await expect(appendManifest(store, SAMPLE)).rejects.toEqual(failure);
    expect(store.objects.get(KEY)?.equals(FOREIGN.bytes)).toBe(true);
  });

  test('gives up after three tries without knowing, and says so', async () => {
    const store = new ScriptedStore(Array(9).fill('lost before the store'));
    await expect(appendManifest(store, SAMPLE)).rejects.toMatchObject({ code: 'LAKE_UNREACHABLE' });
    expect(store.puts).toBe(3);
  });

  test('does not hide a refusal behind its tries', async () => {
    const store = new ScriptedStore();
    store.putIfAbsent = async () => {
      throw new WalflowError('LAKE_ACCESS_DENIED', 'refused');
    };
    await expect(appendManifest(store, SAMPLE)).rejects.toMatchObject({ code: 'LAKE_ACCESS_DENIED' });
  });
});

describe('reading', () => {
  test('null behind the end, the manifest before it', async () => {
    const store = new ScriptedStore();
    await appendManifest(store, SAMPLE);
    expect(await readManifest(store, 2)).toBeNull();
    expect((await readManifest(store, 1))?.manifest).toEqual(SAMPLE);
  });

  test('the head is found from any hint, in a number of looks that grows with its logarithm', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 9000 }), async (head, hint) => {
        let looks = 0;
        const store = new ScriptedStore();
        store.exists = async (key) => {
          looks += 1;
          return Number(key.slice(4, 24)) <= head;
        };
        expect(await findHead(store, hint)).toBe(head);
        expect(looks).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(Math.max(head, hint) + 2)) + 3);
      }),
    );
  });

  test('a hint that is the head costs two looks', async () => {
    const asked: string[] = [];
    const store = new ScriptedStore();
    store.exists = async (key) => {
      asked.push(key);
      return key <= manifestKey(7);
    };
    expect(await findHead(store, 7)).toBe(7);
    expect(asked).toEqual([manifestKey(7), manifestKey(8)]);
  });
});
