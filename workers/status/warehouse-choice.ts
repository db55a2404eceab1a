// Chooses the warehouse that answers. No answer ever comes from a warehouse that was not meant.

import { WalflowError } from '../../workflows/model/errors.ts';
import { ASSET_WAREHOUSE } from '../config/project.ts';

/** The warehouse that a pipeline is merged into; the configuration defines it. */
export function warehouseNamed<Warehouse>(opened: ReadonlyMap<string, Warehouse>, name: string): Warehouse {
  const warehouse = opened.get(name);
  if (warehouse === undefined) throw new WalflowError('INTERNAL', `no warehouse ${name} is open here`);
  return warehouse;
}

/**
 * The warehouse for queries: the one of the assets, else the only one.
 * @throws WalflowError WAREHOUSE_UNKNOWN when there are several others.
 */
export function queriedWarehouse<Warehouse>(opened: ReadonlyMap<string, Warehouse>): Warehouse {
  const [only, ...others] = opened.values();
  const warehouse = opened.get(ASSET_WAREHOUSE) ?? (others.length === 0 ? only : undefined);
  if (warehouse !== undefined) return warehouse;
  const names = [...opened.keys()].join(', ');
  throw new WalflowError('WAREHOUSE_UNKNOWN', `queries go to warehouse ${ASSET_WAREHOUSE}; the project has ${names}`);
}
