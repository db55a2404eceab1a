import { describe, expect, it } from 'vitest';
import { timelineEnd } from '../../activities/wal/timeline.ts';

const HISTORY = `1\t0/A000198\tno recovery target specified

# a comment
2\t16/B374D848\tat restore point "before the upgrade"
`;

describe('a timeline history', () => {
  it('says where each earlier timeline ended', () => {
    expect(timelineEnd(HISTORY, 1)).toBe(0xa000198n);
    expect(timelineEnd(HISTORY, 2)).toBe(0x16b374d848n);
  });

  it('does not know timelines it does not descend from', () => {
    expect(timelineEnd(HISTORY, 3)).toBeNull();
    expect(timelineEnd('', 1)).toBeNull();
    expect(timelineEnd('nonsense\n1 nowhere', 1)).toBeNull();
  });
});
