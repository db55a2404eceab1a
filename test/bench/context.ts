// What every row is measured with.

import type pg from 'pg';
import type { Effort, Row } from './options.ts';
import type { BenchServers } from './servers.ts';

export interface BenchContext {
  readonly servers: BenchServers;
  /** Superuser; for what is not measured. */
  readonly client: pg.Client;
  readonly rows: ReadonlySet<Row>;
  readonly effort: Effort;
  /** Without it the rows that compare with it are skipped. */
  readonly hasPgRecvlogical: boolean;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}
