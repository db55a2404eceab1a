import { describe, expect, test } from 'vitest';
import { CLIENT } from '../../workers/page/client.ts';
import { statusView } from '../../workers/page/status-view.ts';
import { WalflowError } from '../../workflows/model/errors.ts';
import { fakeBackend, NOW_MS, REVENUE, SHOP } from '../http/fake-backend.ts';
import { runningApi } from '../http/running-api.ts';

const UI = { url: 'http://127.0.0.1:8233/', namespace: 'default' };
const EVIL = '"><img src=x onerror=alert(1)>';

describe('status', () => {
  test('shows pipelines, tables, merges with their runs, and assets', async () => {
    const page = String(await statusView({ pipelines: [SHOP], assets: [REVENUE] }, UI, NOW_MS));
    expect(page).toContain('1,234,567');
    expect(page).toContain('81 ms');
    expect(page).toContain('2 s ago');
    expect(page).toContain('13 of 14');
    expect(page).toContain('href="http://127.0.0.1:8233/namespaces/default/workflows/merge%2Fshop/0196-run-1/history"');
  });

  test('names runs without a link when no Web UI is known', async () => {
    const page = String(await statusView({ pipelines: [SHOP], assets: [] }, null, NOW_MS));
    expect(page).toContain('merge/shop');
    expect(page).not.toContain('href');
  });

  test('escapes every value', async () => {
    const [merge] = SHOP.lastMerges ?? [];
    if (merge === undefined) throw new Error('the shop has merges');
    const pipeline = {
      ...SHOP,
      name: EVIL,
      state: EVIL,
      reason: EVIL,
      slot: SHOP.slot === null ? null : { ...SHOP.slot, name: EVIL, walStatus: EVIL },
      tables: [
        {
          table: EVIL,
          state: 'paused' as const,
          since: '2026-11-24T17:00:00.000000Z',
          reason: EVIL,
          rows: 1,
          freshnessAgeSeconds: 1,
        },
      ],
      lastMerges: [{ ...merge, workflowId: EVIL, runId: EVIL }],
    };
    const page = String(await statusView({ pipelines: [pipeline], assets: [{ ...REVENUE, key: EVIL }] }, UI, NOW_MS));
    expect(page).not.toContain('<img');
    expect(page.split('&lt;img').length).toBeGreaterThan(8);
  });
});

describe('page', () => {
  test('the shell holds no data and allows no script but its own', async () => {
    const { url } = await runningApi(fakeBackend());
    const response = await fetch(url);
    const text = await response.text();
    expect(text).toContain('walflow');
    expect(text).not.toContain('public.orders"');
    expect(response.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(text).not.toMatch(/<script>|https?:\/\//);
  });

  test('the script is valid and builds answers from text only', async () => {
    expect(() => new Function(CLIENT)).not.toThrow();
    expect(CLIENT.match(/innerHTML/g)).toHaveLength(1);
  });

  test('a status that cannot be read is shown as what it is', async () => {
    const failing = fakeBackend({
      pipelines: () => Promise.reject(new WalflowError('TEMPORAL_UNREACHABLE', 'Temporal does not answer at <x>')),
    });
    const { url } = await runningApi(failing);
    expect(await (await fetch(`${url}/api/page`)).text()).toContain('Temporal does not answer at &lt;x&gt;');
  });
});
