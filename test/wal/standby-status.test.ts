import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeStandbyStatus } from '../../activities/wal/standby-status.ts';

it('sends exactly the flushed position, never the byte after it', () => {
  const lsn = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
  fc.assert(
    fc.property(lsn, lsn, lsn, fc.boolean(), (received, flushed, settled, replyRequested) => {
      const message = encodeStandbyStatus({ received, flushed, settled, replyRequested, nowMs: 946_684_800_001 });
      expect(message.length).toBe(34);
      expect(String.fromCharCode(message[0] ?? 0)).toBe('r');
      expect(message.readBigUInt64BE(1)).toBe(received);
      expect(message.readBigUInt64BE(9)).toBe(flushed);
      expect(message.readBigUInt64BE(17)).toBe(settled);
      expect(message.readBigInt64BE(25)).toBe(1_000n);
      expect(message[33]).toBe(replyRequested ? 1 : 0);
    }),
  );
});
