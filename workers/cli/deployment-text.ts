// What `walflow deploy` prints about a workflow: what it was, and what changes. Pure.

import type { RunSettings } from '../../workflows/model/run.ts';
import type { Entity, EntityState } from '../temporal/entity-workflow.ts';

/** `+` is new, `~` changes, `=` stays. */
export function entityLine({ workflowId, taskQueue }: Entity, before: EntityState, now: RunSettings): string {
  switch (before.tag) {
    case 'missing':
      return `+ ${workflowId} starts`;
    case 'elsewhere':
      return `~ ${workflowId} moves from queue ${before.taskQueue} to ${taskQueue}`;
    case 'outdated':
      return `~ ${workflowId}: ${settingsChange(before.settings, now)}`;
    case 'current':
      return `= ${workflowId} runs as configured`;
  }
}

const SETTING_TEXTS = {
  'heartbeat timeout': ({ heartbeatTimeoutSeconds }: RunSettings) => `${heartbeatTimeoutSeconds} s`,
  'search attributes': ({ searchAttributes }: RunSettings) => (searchAttributes ? 'on' : 'off'),
};

/** The settings of a run that an older version started are not known: then all are printed. */
function settingsChange(before: RunSettings | null, now: RunSettings): string {
  const changes = Object.entries(SETTING_TEXTS).flatMap(([name, textOf]) => {
    if (before === null) return [`${name} → ${textOf(now)}`];
    return textOf(before) === textOf(now) ? [] : [`${name} ${textOf(before)} → ${textOf(now)}`];
  });
  return changes.join(', ');
}
