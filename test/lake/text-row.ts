// A row for the encoder, from texts.

import type { ChangeFileEncoder } from '../../activities/lake/change-file.ts';
import { rowOf } from '../support/row.ts';

/** Appends a row of a snapshot (`_op` r), each value as PostgreSQL prints it. */
export function appendText(encoder: ChangeFileEncoder, ordinal: number, values: readonly (string | null)[]): void {
  encoder.append('r', ordinal, false, rowOf(values));
}
