// Keeps secrets out of messages and log lines: passwords in URLs, and values that are named like a secret. Pure.

const URL_PASSWORD = /\b([a-z][a-z0-9+.-]*:\/\/[^\s:@/"']*):(?:[^\s"'\\]|\\.)*@/gi;
const NAMED_SECRET = /\b(password|passwd|pwd|secret|token|api_?key)(["']?\s*[=:]\s*["']?)[^\s"',&;})]+/gi;
const BEARER = /\b(bearer\s+)[\w.~+/=-]+/gi;

/** The text with `***` in place of every secret that is recognised. */
export function maskSecrets(text: string): string {
  return text.replace(URL_PASSWORD, '$1:***@').replace(NAMED_SECRET, '$1$2***').replace(BEARER, '$1***');
}
