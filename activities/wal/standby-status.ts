// The standby status update: how PostgreSQL learns how far the lake is. Built here byte by byte because acknowledge() of
// the transport library confirms one byte more than it is given, and a transaction can begin exactly at that byte.
// https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-STANDBY-STATUS-UPDATE

import type { Lsn } from '../../workflows/model/lsn.ts';

const SIZE = 34;
const TAG = 0x72;
/** 2000-01-01, PostgreSQL's epoch, in milliseconds since 1970-01-01. */
const POSTGRES_EPOCH_MS = 946_684_800_000;

interface StandbyStatus {
  /** Received, for the server's statistics only. */
  readonly received: Lsn;
  /** Everything before this is stored; 0 confirms nothing and only keeps the connection alive. */
  readonly flushed: Lsn;
  /** Nothing before this is still on its way to the lake. Statistics only (`replay_lsn`), never confirms anything. */
  readonly settled: Lsn;
  /** Ask the server for a keepalive at once. */
  readonly replyRequested: boolean;
  readonly nowMs: number;
}

export function encodeStandbyStatus({ received, flushed, settled, replyRequested, nowMs }: StandbyStatus): Buffer {
  const message = Buffer.alloc(SIZE);
  message[0] = TAG;
  message.writeBigUInt64BE(received, 1);
  message.writeBigUInt64BE(flushed, 9);
  message.writeBigUInt64BE(settled, 17);
  message.writeBigInt64BE(BigInt(Math.round(nowMs - POSTGRES_EPOCH_MS)) * 1000n, 25);
  message[33] = replyRequested ? 1 : 0;
  return message;
}
