// Search attributes of walflow's runs, by which the Web UI finds all runs of a pipeline, table or asset. A namespace without
// them must not stop the work: whatever starts a workflow knows whether to set them.

import { defineSearchAttributeKey, type SearchAttributePair, SearchAttributeType } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from './model/names.ts';

type AttributeName = keyof typeof SEARCH_ATTRIBUTES;
export type Attributes = Readonly<Partial<Record<AttributeName, string>>>;

/** The given attributes as pairs; none if the namespace lacks them. */
export function attributesOf(enabled: boolean, values: Attributes): { typedSearchAttributes?: SearchAttributePair[] } {
  return enabled ? { typedSearchAttributes: attributePairs(values) } : {};
}

export function attributePairs(values: Attributes): SearchAttributePair[] {
  return (Object.keys(SEARCH_ATTRIBUTES) as AttributeName[]).flatMap((name) => {
    const value = values[name];
    const key = defineSearchAttributeKey(SEARCH_ATTRIBUTES[name], SearchAttributeType.KEYWORD);
    return value === undefined ? [] : [{ key, value }];
  });
}
