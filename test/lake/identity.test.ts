import { expect, test } from 'vitest';
import { ensureIdentity, readIdentity } from '../../activities/lake/identity.ts';

/** A store whose objects are all there is. */
function store() {
  const objects = new Map<string, Buffer>();
  return {
    objects,
    get: async (key: string) => objects.get(key) ?? null,
    exists: async (key: string) => objects.has(key),
    putIfAbsent: async (key: string, body: Uint8Array) => {
      if (objects.has(key)) return 'exists' as const;
      objects.set(key, Buffer.from(body));
      return 'stored' as const;
    },
  };
}

test('a lake gets one identity and keeps it', async () => {
  const lake = store();
  expect(await readIdentity(lake)).toBeNull();
  const id = await ensureIdentity(lake);
  expect(await ensureIdentity(lake)).toBe(id);
  expect(await readIdentity(lake)).toBe(id);
  expect([...lake.objects.keys()]).toEqual(['identity.json']);
});

test('of two writers at the same moment one identity stays', async () => {
  const lake = store();
  const [one, other] = await Promise.all([ensureIdentity(lake), ensureIdentity(lake)]);
  expect(one).toBe(other);
});

test('an object that holds no identity is refused, not replaced', async () => {
  for (const text of ['', '{}', '{"id":"x"}', 'null']) {
    const lake = store();
    lake.objects.set('identity.json', Buffer.from(text));
    await expect(ensureIdentity(lake), text).rejects.toMatchObject({ code: 'MANIFEST_UNREADABLE' });
  }
});
