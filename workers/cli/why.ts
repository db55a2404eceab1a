// `walflow why`: why an asset is not current, and what it waits for.

import type { Command } from 'commander';
import type { DueCause } from '../../activities/warehouse/run-order.ts';
import type { AssetWhy, Waiting } from '../http/backend.ts';
import { countText } from '../text/quantity.ts';
import { type Cli, examples } from './cli.ts';
import { EXIT } from './terminal.ts';

const CAUSES: Readonly<Record<DueCause, string>> = {
  missing: 'never computed',
  touched: 'rows that they read have changed',
  code: 'their code has changed',
  whole: 'something changed that concerns all partitions alike',
};

export function addWhy(program: Command, cli: Cli): void {
  program
    .command('why')
    .argument('<asset>', 'key of a derived asset')
    .description('say why an asset is not current, and what it waits for')
    .option('--json', 'print as JSON')
    .addHelpText('after', examples('walflow why analytics/revenue_by_day'))
    .action(
      cli.action(async (asset: string, { json }: { readonly json?: boolean }) => {
        const why = await (await cli.api()).why(asset);
        cli.terminal.out(json ? JSON.stringify(why) : whyText(why));
        return EXIT.done;
      }),
    );
}

function whyText({ asset, current, causes, wanted, searches, waitsFor }: AssetWhy): string {
  const due = Object.entries(CAUSES).filter(([cause]) => causes[cause as DueCause] > 0);
  if (due.length === 0 && !searches) return `${asset} is current: ${countText(current)} of ${countText(current)}`;
  return [
    `${asset}: ${countText(current)} current`,
    ...due.map(([cause, text]) => `  ${countText(causes[cause as DueCause])}: ${text}`),
    ...(searches ? ['  its inputs are searched for partitions that are not known yet'] : []),
    ...waitsFor.map((waiting) => `waits: ${waitingText(asset, waiting)}`),
    ...(waitsFor.length === 0 ? [`the next decision runs ${wanted > 0 ? countText(wanted) : 'the search'}`] : []),
  ].join('\n');
}

function waitingText(asset: string, waiting: Waiting): string {
  switch (waiting.tag) {
    case 'inputs':
      return 'something that it reads does not exist yet; `walflow status` shows tables that load';
    case 'no-automation':
      return `it has no automation: walflow materialize ${asset}`;
    case 'run':
      return `run ${waiting.run} has not ended: walflow run show ${waiting.run}`;
    case 'listed':
      return `${countText(waiting.partitions)} are left to a backfill or run that names them: walflow backfills`;
    case 'rest':
      return `it rests after failures until ${waiting.until}; walflow materialize ${asset} ends that`;
    case 'asked':
      return `automation leaves ${countText(waiting.partitions)} to you: walflow backfill ${asset} --only-stale`;
  }
}
