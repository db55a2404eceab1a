// Where the table is that a query names.

import type { TableName } from '../../../../workflows/model/relation.ts';
import { CATALOG, DEFAULT_SCHEMA } from '../instance.ts';

/** A query may write `orders`, `public.orders`, and `pg_walflow.orders`. */
export function placeOf({ schema, name }: TableName): TableName {
  return { schema: schema === '' || schema.toLowerCase() === CATALOG ? DEFAULT_SCHEMA : schema, name };
}
