// Partitions that a blocking check has kept from being published rest, each by itself: automation computes all others meanwhile.

const FIRST_REST_SECONDS = 60;
const LONGEST_REST_SECONDS = 3_600;
const DOUBLED_AT_MOST = 10;

/** A condition on rows with asset and partition: it rests, twice as long each time in a row. */
export function restsSql(nowMs: number): string {
  const seconds = `least(${LONGEST_REST_SECONDS}, ${FIRST_REST_SECONDS} * 2 ** least(attempts - 1, ${DOUBLED_AT_MOST}))`;
  return `coalesce((asset, partition) in (
    select (asset, partition) from _walflow.checks
    where partition is not null and attempts > 0 and checked_at + to_seconds(${seconds}) > to_timestamp(${nowMs} / 1000)), false)`;
}
