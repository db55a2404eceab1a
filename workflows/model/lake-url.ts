// `s3://bucket/prefix`: where a lake is, as written in the configuration.

export interface LakeUrl {
  readonly bucket: string;
  /** Without slashes at either end; empty for the bucket's root. */
  readonly prefix: string;
}

/** Bucket names: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const LAKE_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([^?#\s]*))?$/;

/** Null when the text names no bucket, or a folder that a client would resolve to another one. */
export function parseLakeUrl(url: string): LakeUrl | null {
  const [, bucket, path = ''] = LAKE_URL.exec(url) ?? [];
  if (bucket === undefined || /(^|\/)\.\.?(\/|$)/.test(path)) return null;
  return { bucket, prefix: path.replaceAll(/^\/+|\/+$/g, '') };
}
