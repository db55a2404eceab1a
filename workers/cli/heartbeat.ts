// Seconds without a heartbeat after which Temporal gives an activity to another worker.

/** Longer than any pause a healthy worker makes. */
export const HEARTBEAT_TIMEOUT_SECONDS = 30;

/** On one machine a worker that crashed starts again at once, so it is replaced sooner. */
export const DEV_HEARTBEAT_TIMEOUT_SECONDS = 12;
