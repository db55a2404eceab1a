// The status as HTML. Pure. Every value passes through the `html` tag, which escapes it; nothing here calls `raw`.

import { html } from 'hono/html';
import { lsnToText, parseLsn } from '../../workflows/model/lsn.ts';
import type { AssetStatus, MergeSummary, PipelineStatus, SlotStatus, TableStatus } from '../http/backend.ts';
import type { Status } from '../http/status-feed.ts';
import { bytesText, countText, currentText, durationText } from '../text/quantity.ts';
import { liveText } from '../text/table-count.ts';

/** Where links to runs lead. */
export interface TemporalUi {
  readonly url: string;
  readonly namespace: string;
}

type Html = ReturnType<typeof html>;

const SHOWN_MERGES = 5;
const GOOD = new Set(['live', 'append-only', 'streaming', 'pass']);
const QUIET = new Set(['unknown', 'detached']);
const BAD = new Set(['paused', 'fail', 'failed', 'down', 'lost']);

export function statusView({ pipelines, assets }: Status, ui: TemporalUi | null, nowMs: number): Html {
  const derived = assets.filter(({ kind }) => kind === 'derived');
  return html`${pipelines.map((pipeline) => pipelineView(pipeline, ui, nowMs))}
${pipelines.length === 0 ? html`<p class="card quiet">No pipelines.</p>` : ''}
${derived.length === 0 ? '' : assetsView(derived, ui, nowMs)}`;
}

export function failureView({ message, hint, code }: { message: string; hint: string; code: string }): Html {
  return html`<p class="card"><b class="bad">${message}</b><br>${hint} <span class="quiet">(${code})</span></p>`;
}

function pipelineView(pipeline: PipelineStatus, ui: TemporalUi | null, nowMs: number): Html {
  const { name, reason, state, slot, tables, lastMerges = [] } = pipeline;
  return html`<section class="card">
<h2>${name} ${badge(state)}${reason === undefined ? '' : html` <span class="reason">${reason}</span>`}</h2>
<dl>${latencyFacts(pipeline)}${slot === null ? fact('slot', 'source does not answer') : slotFacts(slot)}${logFacts(pipeline)}</dl>
<div class="scroll"><table class="fit">
<thead><tr><th>table</th><th>state</th><th class="number">rows</th><th class="number">fresh</th></tr></thead>
<tbody>${tables.map(tableRow)}</tbody>
</table></div>
${lastMerges.length === 0 ? '' : mergesView(lastMerges.slice(0, SHOWN_MERGES), ui, nowMs)}
</section>`;
}

function latencyFacts({ commitToQueryable: latency }: PipelineStatus): Html | '' {
  if (latency === undefined) return '';
  return fact('commit → queryable (p50)', durationText(latency.p50Ms), `p99 ${durationText(latency.p99Ms)}`);
}

function slotFacts({ name, active, walStatus, lagBytes, retainedBytes, budgetBytes }: SlotStatus): Html {
  const budget = budgetBytes === undefined ? '' : `of ${bytesText(budgetBytes)}`;
  return html`${fact('lag', bytesText(lagBytes))}${fact('WAL retained', bytesText(retainedBytes), budget)}
${fact('slot', name, `${active ? 'active' : 'inactive'}, ${walStatus}`)}`;
}

function logFacts({ mergedLsn, seq, pendingManifests, tables }: PipelineStatus): Html {
  const pending = pendingManifests === undefined ? '' : `${countText(pendingManifests)} pending`;
  return html`${fact('tables', liveText(tables))}${fact('merged to', lsnToText(parseLsn(mergedLsn)))}${fact('manifest', countText(seq), pending)}`;
}

function fact(label: string, value: string, detail = ''): Html {
  return html`<div><dt>${label}</dt><dd>${value}${detail === '' ? '' : html` <span class="quiet">${detail}</span>`}</dd></div>`;
}

function tableRow({ table, state, reason, rows, freshnessAgeSeconds }: TableStatus): Html {
  return html`<tr><td>${table}</td><td>${badge(state)}${reason === undefined ? '' : html`<div class="reason">${reason}</div>`}</td>
<td class="number">${countText(rows)}</td><td class="number">${ageText(freshnessAgeSeconds)}</td></tr>`;
}

function mergesView(merges: readonly MergeSummary[], ui: TemporalUi | null, nowMs: number): Html {
  return html`<h3>Last merges</h3>
<div class="scroll"><table>
<thead><tr><th>when</th><th>manifests</th><th>merged to</th><th class="number">rows</th><th>run</th></tr></thead>
<tbody>${merges.map(
    (merge) => html`<tr><td>${agoText(merge.mergedAt, nowMs)}</td><td>${rangeText(merge)}</td>
<td>${lsnToText(parseLsn(merge.lsnTo))}</td><td class="number">${countText(merge.rows)}</td><td>${runView(merge, ui)}</td></tr>`,
  )}</tbody>
</table></div>`;
}

function assetsView(assets: readonly AssetStatus[], ui: TemporalUi | null, nowMs: number): Html {
  return html`<section class="card">
<h2>Assets</h2>
<div class="scroll"><table>
<thead><tr><th>asset</th><th>freshness</th><th class="number">age</th><th class="number">current</th><th>last run</th></tr></thead>
<tbody>${assets.map((asset) => assetRow(asset, ui, nowMs))}</tbody>
</table></div>
</section>`;
}

function assetRow(
  { key, freshness, partitions, lastMaterialization: last }: AssetStatus,
  ui: TemporalUi | null,
  nowMs: number,
): Html {
  const run =
    last === undefined
      ? html`<span class="quiet">never</span>`
      : html`${agoText(last.at, nowMs)}, ${countText(last.rows)} ${last.rows === 1 ? 'row' : 'rows'}${last.partition === null ? '' : ` (${last.partition})`} ${runView(last, ui)}`;
  return html`<tr><td>${key}</td><td>${badge(freshness.state)}</td><td class="number">${ageText(freshness.ageSeconds)}</td>
<td class="number">${partitions === undefined ? '–' : currentText(partitions)}</td><td>${run}</td></tr>`;
}

/** A link to the run's history in the Temporal Web UI. */
function runView({ workflowId, runId }: { workflowId: string; runId: string }, ui: TemporalUi | null): Html {
  if (ui === null) return html`<span class="quiet">${workflowId}</span>`;
  const path = ['namespaces', ui.namespace, 'workflows', workflowId, runId, 'history']
    .map(encodeURIComponent)
    .join('/');
  return html`<a href="${ui.url.replace(/\/+$/, '')}/${path}" target="_blank" rel="noreferrer">${workflowId}</a>`;
}

function badge(state: string): Html {
  const word = state.toLowerCase();
  const tone = GOOD.has(word) ? 'good' : BAD.has(word) ? 'bad' : QUIET.has(word) ? 'none' : 'warn';
  return html`<span class="badge ${tone}">${word}</span>`;
}

const rangeText = ({ seqFrom, seqTo }: MergeSummary) =>
  seqFrom === seqTo ? countText(seqTo) : `${countText(seqFrom)} – ${countText(seqTo)}`;

const ageText = (seconds: number | null) => (seconds === null ? '–' : durationText(Math.max(0, seconds) * 1_000));

const agoText = (iso: string, nowMs: number) => `${durationText(Math.max(0, nowMs - Date.parse(iso)))} ago`;
