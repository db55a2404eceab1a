// DuckDB writes and decodes the change files here; what is merged, the reference knows by itself.

import type { Warehouse } from '../../activities/warehouse/warehouse.ts';
import type { TableName } from '../../workflows/model/relation.ts';
import { parquetReader } from '../lake/parquet-reader.ts';
import { conformance } from './conformance.ts';
import { type TextRow, WarehouseLab } from './lab.ts';
import { ReferenceWarehouse } from './reference/warehouse.ts';

class ReferenceLab extends WarehouseLab {
  readonly #warehouse = new ReferenceWarehouse(parquetReader());

  protected async openPort(): Promise<Warehouse> {
    return this.#warehouse;
  }

  async rowsOf(place: TableName): Promise<readonly TextRow[]> {
    return this.#warehouse.storedRows(place).map(({ values, lsn, time }) => ({
      ...{ ...values, _walflow_commit_lsn: String(lsn), _walflow_commit_time: time },
    }));
  }
}

conformance(new ReferenceLab(), {
  'comparison of typed values': 'the reference keeps values as text and knows no types',
  reader: 'the reference runs no SQL',
});
