import { expect, test } from 'vitest';
import { parseLakeUrl } from '../../workflows/model/lake-url.ts';

test.each([
  ['s3://my-bucket/raw/cdc', { bucket: 'my-bucket', prefix: 'raw/cdc' }],
  ['s3://my-bucket//raw/cdc/', { bucket: 'my-bucket', prefix: 'raw/cdc' }],
  ['s3://my-bucket', { bucket: 'my-bucket', prefix: '' }],
  ['s3://my-bucket/', { bucket: 'my-bucket', prefix: '' }],
  ['s3://my-bucket/a..b/.c', { bucket: 'my-bucket', prefix: 'a..b/.c' }],
])('%s is a bucket, and a prefix without slashes at its ends', (url, parts) => {
  expect(parseLakeUrl(url)).toEqual(parts);
});

test.each([
  '',
  'my-bucket',
  'http://my-bucket/x',
  's3://',
  's3:///x',
  's3://UPPER/x',
  's3://ab',
  's3://my-bucket/a b',
  's3://my-bucket/a?versionId=1',
  's3://my-bucket/..',
  's3://my-bucket/a/./b',
  's3://my-bucket/a/../b',
])('"%s" is none', (url) => {
  expect(parseLakeUrl(url)).toBeNull();
});
