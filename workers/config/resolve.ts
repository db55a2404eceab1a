// From what a user wrote to a project that can run: validated, defaults filled in, paths absolute, durations in
// milliseconds, all names checked against each other.

import { isAbsolute, resolve } from 'node:path';
import { buildAssetGraph } from '../../workflows/model/asset/graph.ts';
import { parseLakeUrl } from '../../workflows/model/lake-url.ts';
import { defaultSlotName } from '../../workflows/model/names.ts';
import { assetProblems } from './asset-rules.ts';
import { type CheckedConfig, PROJECT } from './field.ts';
import { groupProblems } from './group-rules.ts';
import { loadAssets } from './loaded-asset.ts';
import { pipelineProblems } from './pipeline-rules.ts';
import { configInvalid, problemsOf } from './problem.ts';
import type { GraphlessProject, ResolvedPipeline, ResolvedProject, ResolvedWarehouse } from './project.ts';
import { loadedSchedule, scheduleProblems } from './schedule-rules.ts';
import type { Environment } from './setting.ts';
import type { SourceFiles } from './source-file.ts';

/** Where a configuration came from. */
export interface ConfigOrigin {
  /** For messages: the file's path, or `the command line`. */
  readonly label: string;
  readonly file: string | null;
  /** What relative paths are relative to. */
  readonly folder: string;
  /** For AWS conventions. */
  readonly env: Environment;
  readonly files: SourceFiles;
}

const DEFAULT_MEMORY_LIMIT = '1GB';

/**
 * @param config what the file exports, unchecked
 * @throws WalflowError CONFIG_INVALID, naming each wrong path and its fix
 */
export function resolveProject(config: unknown, origin: ConfigOrigin): ResolvedProject {
  const parsed = PROJECT.safeParse(config, { reportInput: true });
  if (!parsed.success) {
    throw configInvalid(
      origin.label,
      parsed.error.issues.flatMap((issue) => problemsOf(PROJECT, issue)),
    );
  }
  const checked = parsed.data;
  const loaded = loadAssets(checked, origin);
  const project: GraphlessProject = {
    name: checked.name,
    file: origin.file,
    files: [...(origin.file === null ? [] : [origin.file]), ...loaded.files],
    warehouses: new Map(Object.entries(checked.warehouses).map(([name, it]) => [name, warehouse(name, it, origin)])),
    pipelines: new Map(Object.entries(checked.pipelines).map(([name, it]) => [name, pipeline(name, it, origin.env)])),
  };
  const problems = [
    ...pipelineProblems(project),
    ...groupProblems(project, checked),
    ...loaded.problems,
    ...assetProblems(project, loaded),
  ];
  if (problems.length > 0) throw configInvalid(origin.label, problems);
  const { assets, described } = loaded;
  const graph = buildAssetGraph(assets, new Set(project.pipelines.keys()), described);
  const wrong = scheduleProblems(checked.schedules, graph, Date.now());
  if (wrong.length > 0) throw configInvalid(origin.label, wrong);
  return { ...project, graph, schedules: checked.schedules.map(loadedSchedule) };
}

function warehouse(name: string, it: CheckedConfig['warehouses'][string], origin: ConfigOrigin): ResolvedWarehouse {
  switch (it.kind) {
    case 'duckdb':
      return {
        name,
        kind: it.kind,
        path: isAbsolute(it.path) ? it.path : resolve(origin.folder, it.path),
        memoryLimit: it.memoryLimit ?? DEFAULT_MEMORY_LIMIT,
        threads: it.threads,
      };
  }
}

function pipeline(name: string, it: CheckedConfig['pipelines'][string], env: Environment): ResolvedPipeline {
  const { bucket, prefix } = parseLakeUrl(it.lake.url) ?? { bucket: '', prefix: '' };
  return {
    name,
    warehouse: it.warehouse,
    source: {
      ...it.source,
      url: sourceUrl(it.source.url, env),
      slot: it.source.slot ?? defaultSlotName(name),
      publication: it.source.publication ?? defaultSlotName(name),
    },
    lake: {
      url: it.lake.url,
      bucket,
      prefix,
      endpoint: it.lake.endpoint ?? (env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || undefined),
      region: it.lake.region ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined),
      verifyWrites: it.lake.verifyWrites,
      inlineBytes: it.lake.inlineBytes,
    },
    flush: it.flush,
    merge: it.merge,
    snapshot: it.snapshot,
  };
}

/** As in libpq, PGSSLMODE applies when the URL does not say; walflow's sessions read no environment. */
function sourceUrl(url: string, { PGSSLMODE }: Environment): string {
  if (!PGSSLMODE || /[?&]ssl(mode)?=/.test(url)) return url;
  return `${url}${url.includes('?') ? '&' : '?'}sslmode=${encodeURIComponent(PGSSLMODE)}`;
}
