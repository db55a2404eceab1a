// What the Web UI shows of a failure: the innermost message, which carries walflow's own words and hint.

/** The message of the deepest cause. */
export function messageOf(failure: unknown): string {
  let current = failure;
  while (current instanceof Error && current.cause instanceof Error) current = current.cause;
  return current instanceof Error ? current.message : String(current);
}
