// A recorded history as a file people can read and review: numbers for 64-bit integers, text for payloads. Everything
// that names a machine, a folder or a process is taken out before it is written.

import type { WorkflowHandle } from '@temporalio/client';

export type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

export interface RecordedHistory {
  readonly workflowType: string;
  readonly workflowId: string;
  /** Kinds of events and names of signals: what replaying this file proves something about. */
  readonly covers: readonly string[];
  readonly history: History;
}

/** Fields that say who and where, and nothing about what was decided. */
const SCRUBBED: Readonly<Record<string, string>> = { identity: 'worker', stackTrace: '', buildId: 'build' };
const ADDRESS = /(127\.0\.0\.1|localhost|\[?::1\]?):\d+/g;

/** The text of the file. */
export function encodeHistory(workflowId: string, history: History): string {
  const events = history.events ?? [];
  const workflowType = events[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name ?? '';
  const recorded = { workflowType, workflowId, covers: coversOf(history), history: { events: events.map(plain) } };
  return `${JSON.stringify(recorded, null, 1)}\n`;
}

/** The opposite of `encodeHistory`. */
export function decodeHistory(text: string): RecordedHistory {
  return JSON.parse(text, (_, value: unknown) => {
    if (value === null || typeof value !== 'object') return value;
    if ('$text' in value) return Buffer.from(String(value.$text));
    return '$base64' in value ? Buffer.from(String(value.$base64), 'base64') : value;
  }) as RecordedHistory;
}

/** Sorted, each once: `activityTaskFailed`, `signal pause`, … */
export function coversOf(history: History): readonly string[] {
  const covers = (history.events ?? []).flatMap((event) => {
    const kind = Object.keys(event).find((key) => key.endsWith('EventAttributes') && key in event);
    const signal = event.workflowExecutionSignaledEventAttributes?.signalName;
    const retried = (event.activityTaskStartedEventAttributes?.attempt ?? 1) > 1;
    return [
      ...(kind === undefined ? [] : [kind.replace('EventAttributes', '')]),
      ...(typeof signal === 'string' ? [`signal ${signal}`] : []),
      ...(retried ? ['activity retried'] : []),
    ];
  });
  return [...new Set(covers)].sort();
}

/** Protocol messages as plain values that survive JSON. */
function plain(value: unknown, key?: string | number): unknown {
  if (typeof value === 'string') return (SCRUBBED[key ?? ''] ?? value).replace(ADDRESS, 'server');
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Uint8Array) return bytes(value);
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if ('low' in value && 'high' in value) return exactNumber(String(value));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined && item !== null)
      .map(([name, item]) => [name, plain(item, name)]),
  );
}

function exactNumber(digits: string): number {
  const number = Number(digits);
  if (!Number.isSafeInteger(number)) throw new Error(`${digits} does not fit into a number`);
  return number;
}

function bytes(value: Uint8Array): { readonly $text: string } | { readonly $base64: string } {
  const buffer = Buffer.from(value);
  const text = buffer.toString('utf8');
  return Buffer.from(text).equals(buffer) ? { $text: text } : { $base64: buffer.toString('base64') };
}
