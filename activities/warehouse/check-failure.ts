// How partitions that were not published are reported: by check, with how many of their rows break it. Pure.

import { WalflowError } from '../../workflows/model/errors.ts';
import type { Withheld } from './check-order.ts';

const PARTITIONS_NAMED = 5;

export function checkFailure(asset: string, withheld: readonly Withheld[]): WalflowError {
  const byCheck = [...Map.groupBy(withheld, ({ check }) => check)].map(([check, found]) => failedText(check, found));
  return new WalflowError('ASSET_CHECK_FAILED', `${asset} was not published where it breaks ${byCheck.join('; ')}`);
}

function failedText(check: string, found: readonly Withheld[]): string {
  const broken = found.filter(({ failing }) => failing > 0);
  const named = broken.slice(0, PARTITIONS_NAMED).map(({ partition, failing }) => {
    return `${partition === null ? '' : `${partition}: `}${rowsText(failing)}`;
  });
  const rest = broken.length - named.length;
  const waiting = found.length - broken.length;
  return [
    `${check} (${named.join(', ')}${rest > 0 ? ` and ${rest} more partitions` : ''}`,
    ...(waiting > 0 ? [`${waiting} other partitions wait, because the table is made again as a whole`] : []),
  ]
    .join('; ')
    .concat(')');
}

const rowsText = (rows: number) => (rows === 1 ? '1 row' : `${rows} rows`);
