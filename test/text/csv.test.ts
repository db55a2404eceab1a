import { expect, test } from 'vitest';
import { csvLine } from '../../workers/text/csv.ts';

test('NULL and the empty text differ, quotes are doubled, newlines stay', () => {
  expect(csvLine([null, '', 'a"b', 'c\nd', 'e,f'])).toBe(',"","a""b","c\nd","e,f"\n');
});
