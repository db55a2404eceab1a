import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseMetrics, sumOf } from '../../workers/metrics/exposition.ts';

const TEXT = `# HELP cdc_rows_processed_total rows
# TYPE cdc_rows_processed_total counter
cdc_rows_processed_total{pipeline="shop",role="ingest"} 12
cdc_rows_processed_total{pipeline="shop",role="warehouse"} 10
cdc_rows_processed_total{pipeline="a\\"b}\\\\c\\nd",role="ingest"} 1e3
up 1
bucket{le="+Inf"} +Inf
`;

test('reads names, labels with escapes, and values', () => {
  const samples = parseMetrics(TEXT);
  expect(samples).toHaveLength(5);
  expect(samples[2]).toEqual({
    name: 'cdc_rows_processed_total',
    labels: { pipeline: 'a"b}\\c\nd', role: 'ingest' },
    value: 1_000,
  });
  expect(samples[4]?.value).toBe(Number.POSITIVE_INFINITY);
});

test('adds up the samples that carry the labels', () => {
  const samples = parseMetrics(TEXT);
  expect(sumOf(samples, 'cdc_rows_processed_total', { pipeline: 'shop' })).toBe(22);
  expect(sumOf(samples, 'cdc_rows_processed_total', { pipeline: 'shop', role: 'ingest' })).toBe(12);
  expect(sumOf(samples, 'missing', {})).toBe(0);
});

test('never throws, whatever the text', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseMetrics(text)));
});
