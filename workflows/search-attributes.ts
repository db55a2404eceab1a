// Search attributes of walflow's runs, by which the Web UI finds all runs of a pipeline, table or asset. A namespace without
// them must not stop the work: whatever starts a workflow knows whether to set them.

import { defineSearchAttributeKey, type SearchAttributePair, SearchAttributeType } from '@temporalio/common';
import { groupOf } from './model/asset/key.ts';
import { SEARCH_ATTRIBUTES } from './model/names.ts';

type AttributeName = keyof typeof SEARCH_ATTRIBUTES;
type KeywordName = Exclude<AttributeName, 'assets'>;
export type Attributes = Readonly<Partial<Record<KeywordName, string>>> & { readonly assets?: readonly string[] };

/** The given attributes as pairs; none if the namespace lacks them. */
export function attributesOf(enabled: boolean, values: Attributes): { typedSearchAttributes?: SearchAttributePair[] } {
  return enabled ? { typedSearchAttributes: attributePairs(values) } : {};
}

export function attributePairs({ assets, ...values }: Attributes): SearchAttributePair[] {
  const names = (Object.keys(SEARCH_ATTRIBUTES) as AttributeName[]).filter((name) => name !== 'assets');
  const keywords = names.flatMap((name) => {
    const value = values[name];
    const key = defineSearchAttributeKey(SEARCH_ATTRIBUTES[name], SearchAttributeType.KEYWORD);
    return value === undefined ? [] : [{ key, value }];
  });
  if (assets === undefined) return keywords;
  const key = defineSearchAttributeKey(SEARCH_ATTRIBUTES.assets, SearchAttributeType.KEYWORD_LIST);
  return [...keywords, { key, value: [...assets] }];
}

const MOST_KEYS = 50;

/** Of many assets the groups stand for those that are not named. */
export function assetsAttribute(keys: readonly string[]): readonly string[] {
  const groups = keys.slice(MOST_KEYS).map((key) => groupOf(key) ?? key);
  return [...new Set([...keys.slice(0, MOST_KEYS), ...groups])].slice(0, 2 * MOST_KEYS);
}
