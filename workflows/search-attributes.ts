// Search attributes of walflow's runs, so that the Web UI finds every run of a pipeline, table or asset. A namespace that
// lacks them must not stop the work: whoever starts a workflow knows, and says so.

import { defineSearchAttributeKey, type SearchAttributePair, SearchAttributeType } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from './model/names.ts';

type AttributeName = keyof typeof SEARCH_ATTRIBUTES;
export type Attributes = Readonly<Partial<Record<AttributeName, string>>>;

/** Pairs for the names given; empty where the namespace has no such attributes. */
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
