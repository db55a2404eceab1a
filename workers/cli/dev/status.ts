// The live status of `walflow dev` as text, from the figures of one moment. Pure; screen.ts draws it.

import type { PartitionCounts } from '../../http/backend.ts';
import { bytesText, countText, currentText, durationText } from '../../text/quantity.ts';
import { cell, type Line, lineText, span, type Tone } from '../../text/style.ts';
import { liveText } from '../../text/table-count.ts';

export interface TableView {
  readonly table: string;
  readonly state: string;
  readonly reason?: string;
  readonly rows: number;
  readonly ageMs: number | null;
}

export interface PipelineView {
  readonly name: string;
  readonly state: string;
  readonly reason?: string;
  readonly rowsPerSecond: number;
  readonly lagBytes: number | null;
  /** Commit → queryable over the last seconds; null while nothing was merged. */
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number } | null;
  readonly tables: readonly TableView[];
}

export interface AssetView {
  readonly key: string;
  readonly freshness: string;
  readonly ageMs: number | null;
  readonly partitions: PartitionCounts | null;
}

export interface StatusView {
  readonly project: string;
  readonly upMs: number;
  readonly pipelines: readonly PipelineView[];
  /** Derived assets; captured tables are shown with their pipeline. */
  readonly assets: readonly AssetView[];
  readonly links: readonly { readonly label: string; readonly text: string }[];
  /** What the user should know now, e.g. that the API does not answer yet. */
  readonly notes: readonly string[];
}

const MAX_TABLES = 12;
const INDENT = span(' ');
const EMPTY: Line = [];

const STATE_TONES: Readonly<Record<string, Tone>> = {
  live: 'good',
  streaming: 'good',
  running: 'good',
  pass: 'good',
  'append-only': 'good',
  loading: 'warn',
  preparing: 'warn',
  warn: 'warn',
  paused: 'bad',
  failed: 'bad',
  fail: 'bad',
  detached: 'quiet',
};

/** The whole screen, every line at most `width` characters wide. */
export function renderStatus(view: StatusView, width: number, colors = false): string {
  const name = columnWidth(
    [...view.pipelines.flatMap(({ tables }) => tables.map(({ table }) => table)), ...keysOf(view)],
    width,
  );
  const lines: readonly Line[] = [
    titleLine(view, width),
    ...view.pipelines.flatMap((pipeline) => [EMPTY, ...pipelineLines(pipeline, name)]),
    ...(view.assets.length === 0 ? [] : [EMPTY, ...assetLines(view.assets, name)]),
    ...(view.notes.length === 0 ? [] : [EMPTY]),
    ...view.notes.map((note): Line => [INDENT, span(note, 'warn')]),
    EMPTY,
    ...linkLines(view.links),
  ];
  return lines.map((line) => lineText(line, width, colors)).join('\n');
}

/** The same facts as one line per pipeline, for logs and pipes. */
export function plainStatus(view: StatusView): string {
  const lines = view.pipelines.map((pipeline) => {
    return [
      `${pipeline.name}: ${stateText(pipeline)}`,
      `${countText(pipeline.rowsPerSecond)} rows/s`,
      `lag ${pipeline.lagBytes === null ? 'unknown' : bytesText(pipeline.lagBytes)}`,
      ...latencyText(pipeline),
      `tables: ${liveText(pipeline.tables)}`,
    ].join(', ');
  });
  const assets = view.assets.map(({ key, freshness, ageMs }) => `${key}: ${freshness}, age ${ageText(ageMs)}`);
  return [...lines, ...assets, ...view.notes].join('\n');
}

function titleLine(view: StatusView, width: number): Line {
  const right = `up ${durationText(view.upMs)}`;
  const left = `walflow · ${view.project}`;
  const gap = Math.max(2, Math.min(width, 100) - left.length - right.length - 1);
  return [INDENT, span('walflow', 'strong'), span(` · ${view.project}${' '.repeat(gap)}`), span(right, 'quiet')];
}

function pipelineLines(pipeline: PipelineView, name: number): readonly Line[] {
  const lag = pipeline.lagBytes === null ? '' : `   lag ${bytesText(pipeline.lagBytes)}`;
  const head: Line = [
    INDENT,
    span('● ', toneOf(pipeline.state)),
    span(pipeline.name, 'strong'),
    span(` ${pipeline.state}   `, toneOf(pipeline.state)),
    span(`${countText(pipeline.rowsPerSecond)} rows/s${lag}   ${liveText(pipeline.tables)}`),
  ];
  const shown = [...pipeline.tables].sort((a, b) => trouble(b) - trouble(a)).slice(0, MAX_TABLES);
  const hidden = pipeline.tables.length - shown.length;
  return [
    head,
    ...latencyText(pipeline).map((text): Line => [INDENT, span(`  ${text}`)]),
    ...(pipeline.reason === undefined ? [] : [[INDENT, span(`  ${pipeline.reason}`, 'warn')]]),
    EMPTY,
    header(name, 'table', ['state', 'rows', 'fresh']),
    ...shown.map((table) => tableLine(table, name)),
    ...(hidden > 0 ? [[INDENT, span(`… and ${hidden} more: npx walflow status`, 'quiet')]] : []),
  ];
}

/** Paused tables come first, then loading ones, detached ones last; the rest keep their order. */
function trouble(table: TableView): number {
  return { paused: 2, loading: 1, detached: -1 }[table.state] ?? 0;
}

function tableLine(table: TableView, name: number): Line {
  return [
    INDENT,
    cell(table.table, name),
    span('  '),
    cell(table.state, 11, 'left', toneOf(table.state)),
    cell(countText(table.rows), 12, 'right'),
    cell(ageText(table.ageMs), 9, 'right'),
    ...(table.reason === undefined ? [] : [span(`  ${table.reason}`, 'warn')]),
  ];
}

function assetLines(assets: readonly AssetView[], name: number): readonly Line[] {
  return [
    header(name, 'asset', ['state', 'current', 'fresh']),
    ...assets.map(
      (asset): Line => [
        INDENT,
        cell(asset.key, name),
        span('  '),
        cell(asset.freshness, 11, 'left', toneOf(asset.freshness)),
        cell(asset.partitions === null ? '' : currentText(asset.partitions), 12, 'right'),
        cell(ageText(asset.ageMs), 9, 'right'),
      ],
    ),
  ];
}

function header(name: number, first: string, [state, count, age]: readonly [string, string, string]): Line {
  return [
    INDENT,
    cell(first, name, 'left', 'quiet'),
    span('  '),
    cell(state, 11, 'left', 'quiet'),
    cell(count, 12, 'right', 'quiet'),
    cell(age, 9, 'right', 'quiet'),
  ];
}

function linkLines(links: StatusView['links']): readonly Line[] {
  const width = Math.max(0, ...links.map(({ label }) => label.length));
  return links.map(({ label, text }) => [INDENT, cell(label, width, 'left', 'quiet'), span('  '), span(text, 'link')]);
}

function latencyText({ latency }: PipelineView): readonly string[] {
  if (latency === null) return [];
  return [`commit → queryable p50 ${durationText(latency.p50Ms)}, p99 ${durationText(latency.p99Ms)}`];
}

function stateText({ state, reason }: PipelineView): string {
  return reason === undefined ? state : `${state} (${reason})`;
}

function ageText(ageMs: number | null): string {
  return ageMs === null ? '–' : durationText(ageMs);
}

function toneOf(state: string): Tone {
  return STATE_TONES[state.toLowerCase()] ?? 'plain';
}

function keysOf({ assets }: StatusView): readonly string[] {
  return assets.map(({ key }) => key);
}

/** Wide enough for the longest name, yet the numbers stay on the screen. */
function columnWidth(names: readonly string[], width: number): number {
  const longest = Math.max(16, ...names.map((name) => name.length));
  return Math.max(8, Math.min(longest, width - 36));
}
