// A fresh DuckDB file for one test file, with what its own tests look at behind the port.

import { join } from 'node:path';
import { type DuckDbOwner, openDuckDb } from '../../../activities/warehouse/duckdb/client.ts';
import { qualified } from '../../../activities/warehouse/duckdb/identifier.ts';
import { DuckDbWarehouse } from '../../../activities/warehouse/duckdb/warehouse.ts';
import type { Warehouse } from '../../../activities/warehouse/warehouse.ts';
import { readApart } from '../../../workers/reader-process.ts';
import type { TableName } from '../../../workflows/model/relation.ts';
import { type TextRow, WarehouseLab } from '../lab.ts';

export class TestWarehouse extends WarehouseLab {
  #owner: DuckDbOwner | null = null;

  /** @param spool the folder it may read, below its own */
  static forFile(spool?: string): TestWarehouse {
    return new TestWarehouse(spool).forFile();
  }

  get owner(): DuckDbOwner {
    if (this.#owner === null) throw new Error('the warehouse is closed');
    return this.#owner;
  }

  get options() {
    return {
      path: join(this.folder, 'warehouse.duckdb'),
      memoryLimit: '500MB',
      threads: 2,
      tempDirectory: join(this.folder, 'temp'),
      spoolFolder: this.spool,
      readApart,
    };
  }

  protected async openPort(): Promise<Warehouse> {
    this.#owner = await openDuckDb(this.options);
    return new DuckDbWarehouse(this.#owner);
  }

  async rowsOf(place: TableName): Promise<readonly TextRow[]> {
    return await this.rows<TextRow>(`select columns(*)::VARCHAR from ${qualified(place)}`);
  }

  async rows<Row = Record<string, unknown>>(sql: string): Promise<readonly Row[]> {
    return await this.owner.use((session) => session.rows<Row>(sql));
  }
}
