// `walflow dev` serves one /metrics for all its workers: the metrics of the others are fetched and merged. A peer that does
// not answer shows as walflow_role_up 0, never as a failed scrape.

import { WalflowError } from '../../workflows/model/errors.ts';
import { mergeMetrics, type RoleMetrics } from './merge.ts';

export interface MetricsPeer {
  readonly role: string;
  readonly url: string;
}

/** Shorter than Prometheus's timeout (10 s), long enough for a worker that is busy encoding. */
const TIMEOUT_MS = 2_000;

/**
 * @param list `role=http://127.0.0.1:4401/metrics`, as in WALFLOW_METRICS_PEERS
 * @throws WalflowError SETTING_INVALID
 */
export function parseMetricsPeers(list: readonly string[]): readonly MetricsPeer[] {
  return list.map((item) => {
    const [, role, url] = /^([a-z][a-z0-9_-]*)=(https?:\/\/.+)$/.exec(item) ?? [];
    if (role !== undefined && url !== undefined && URL.canParse(url)) return { role, url };
    throw new WalflowError('SETTING_INVALID', 'WALFLOW_METRICS_PEERS is not a list of role=URL');
  });
}

/** Without peers the process's own text, else the text of all roles with a label `role`. */
export async function collectMetrics(
  own: RoleMetrics,
  peers: readonly MetricsPeer[],
  token: string | undefined,
): Promise<string> {
  if (peers.length === 0) return own.text;
  const answers = await Promise.all(peers.map((peer) => peerText(peer, token)));
  const parts = peers.map(({ role }, i) => ({ role, text: `${upText(answers[i] !== null)}${answers[i] ?? ''}` }));
  return mergeMetrics([{ role: own.role, text: `${upText(true)}${own.text}` }, ...parts]);
}

async function peerText({ url }: MetricsPeer, token: string | undefined): Promise<string | null> {
  try {
    const response = await fetch(url, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return response.ok ? await response.text() : null;
  } catch {
    return null;
  }
}

function upText(up: boolean): string {
  const name = 'walflow_role_up';
  return `# HELP ${name} 1 while the role answers\n# TYPE ${name} gauge\n${name} ${up ? 1 : 0}\n`;
}
