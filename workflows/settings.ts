// What a long-lived run goes by besides its names. It lives in the memo: a start writes it, `configure` changes it, the next
// run gets it, and `walflow deploy` reads it while no worker lives. So a changed setting reaches a run that goes on.

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

/** Anybody may signal: what is no setting is passed over. */
export function settingsOf(told: Partial<RunSettings>, before: RunSettings = DEFAULT_RUN_SETTINGS): RunSettings {
  const { heartbeatTimeoutSeconds: seconds, searchAttributes: known } = told;
  return {
    heartbeatTimeoutSeconds: typeof seconds === 'number' && seconds >= 1 ? seconds : before.heartbeatTimeoutSeconds,
    searchAttributes: typeof known === 'boolean' ? known : before.searchAttributes,
  };
}

/**
 * Listens to `configure`; `now` is what counts at this moment.
 * @param input holds settings where an older version started the run
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

/** Continue-as-new with the settings, which Temporal does not hand on by itself. */
export function continueAsNew<F extends Workflow>(settings: RunSettings, ...args: Parameters<F>): Promise<never> {
  return makeContinueAsNewFunc<F>({ memo: { settings } })(...args);
}
