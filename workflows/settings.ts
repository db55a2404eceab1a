// The settings of a long-lived run. They stand in its memo: a start writes them, `configure` changes them, the next run gets
// them, and `walflow deploy` can read them without a worker. So a changed setting reaches a run that goes on.

import {
  makeContinueAsNewFunc,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  type Workflow,
  workflowInfo,
} from '@temporalio/workflow';
import { configure } from './messages.ts';
import { DEFAULT_RUN_SETTINGS, type RunSettings } from './model/run.ts';
import { type Attributes, attributePairs } from './search-attributes.ts';

/** Any client may send a signal: whatever is not a setting is ignored. */
export function settingsOf(told: Partial<RunSettings>, before: RunSettings = DEFAULT_RUN_SETTINGS): RunSettings {
  const { heartbeatTimeoutSeconds: seconds, searchAttributes: known } = told;
  return {
    heartbeatTimeoutSeconds: typeof seconds === 'number' && seconds >= 1 ? seconds : before.heartbeatTimeoutSeconds,
    searchAttributes: typeof known === 'boolean' ? known : before.searchAttributes,
  };
}

/**
 * Listens to `configure`; `now` has the current settings.
 * @param input contains settings if an older version started the run
 */
export function followSettings(input: Partial<RunSettings>, attributes: Attributes): { readonly now: RunSettings } {
  const followed = {
    get now() {
      return settingsOf((workflowInfo().memo?.settings ?? input) as Partial<RunSettings>);
    },
  };
  setHandler(configure, (told?: Partial<RunSettings>) => {
    const settings = settingsOf(told ?? {}, followed.now);
    upsertMemo({ settings });
    const { typedSearchAttributes } = workflowInfo();
    const lacking = attributePairs(attributes).filter(({ key }) => typedSearchAttributes.get(key) === undefined);
    if (settings.searchAttributes && lacking.length > 0) upsertSearchAttributes(lacking);
  });
  return followed;
}

/** Continue-as-new with the settings, which Temporal does not pass on by itself. */
export function continueAsNew<F extends Workflow>(settings: RunSettings, ...args: Parameters<F>): Promise<never> {
  return makeContinueAsNewFunc<F>({ memo: { settings } })(...args);
}
