// Search attributes of walflow's runs, so that the Web UI finds every run of a pipeline, table or asset. A namespace that
// lacks them must not stop the work: whoever starts the first workflow knows, and passes it on.

import { defineSearchAttributeKey, type SearchAttributePair, SearchAttributeType } from '@temporalio/common';

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
const KEYS = {
  pipeline: keyword('WalflowPipeline'),
  asset: keyword('WalflowAsset'),
  partition: keyword('WalflowPartition'),
  kind: keyword('WalflowRunKind'),
  table: keyword('WalflowTable'),
};

/** Pairs for the names given; empty where the namespace has no such attributes. */
export function attributesOf(
  enabled: boolean,
  values: Partial<Record<keyof typeof KEYS, string>>,
): { typedSearchAttributes?: SearchAttributePair[] } {
  if (!enabled) return {};
  const pairs: SearchAttributePair[] = [];
  for (const [name, key] of Object.entries(KEYS)) {
    const value = values[name as keyof typeof KEYS];
    if (value !== undefined) pairs.push({ key, value });
  }
  return { typedSearchAttributes: pairs };
}
