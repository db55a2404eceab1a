// The version of this package, as written into manifests and printed by --version; read from package.json.

import { existsSync, readFileSync } from 'node:fs';

/** package.json is one folder above the sources, and one more above the built files. */
function readVersion(folder: URL): string {
  const file = new URL('package.json', folder);
  if (!existsSync(file)) {
    const parent = new URL('..', folder);
    return parent.href === folder.href ? 'unknown' : readVersion(parent);
  }
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const version = typeof content === 'object' && content !== null && 'version' in content ? content.version : null;
  return typeof version === 'string' ? version : 'unknown';
}

export const WALFLOW_VERSION = readVersion(new URL('.', import.meta.url));
