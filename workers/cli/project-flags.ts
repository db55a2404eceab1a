// How commands that work on a pipeline find it and its source.

import type { Command } from 'commander';
import { WalflowError } from '../../workflows/model/errors.ts';
import type { ResolvedPipeline } from '../config/project.ts';
import type { Cli } from './cli.ts';
import type { ProjectFlags, Target } from './target.ts';

/** Passes `--source` to the workers of `walflow dev`: every user of the machine could read the password in a flag. */
export const SOURCE_VARIABLE = 'WALFLOW_SOURCE_URL';

/** Adds `--source`, for a pipeline that was started by `walflow dev --source`, not from a configuration file. */
export function withSourceFlag(command: Command): Command {
  return command.option('--source <url>', 'source of a pipeline that was started by `walflow dev --source`');
}

/**
 * The pipeline of the project, by name.
 * @throws WalflowError PIPELINE_UNKNOWN, naming the pipelines that exist
 */
export async function pipelineNamed(
  cli: Cli,
  name: string,
  flags: Pick<ProjectFlags, 'source'>,
): Promise<Target & { readonly pipeline: ResolvedPipeline }> {
  const target = await cli.pipelineTarget({ ...flags, pipeline: name });
  const { project } = target;
  const pipeline = project.pipelines.get(name);
  if (pipeline !== undefined) return { ...target, pipeline };
  throw new WalflowError('PIPELINE_UNKNOWN', `the configuration has no pipeline "${name}"`, {
    hint: `it has: ${[...project.pipelines.keys()].join(', ')}`,
  });
}
