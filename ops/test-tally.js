// Reads vitest's JSON report and prints `passed failed skipped`. Usage: node ops/test-tally.js <report> <exit code of the run>.
// Plain JavaScript for any Node: its numbers must be right even after an incomplete install.

import { readFileSync } from 'node:fs';

const [file, status] = process.argv.slice(2);

/** null when there is no report: the run ended before it could write one. */
function readReport() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

const report = readReport();
const passed = report?.numPassedTests ?? 0;
const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
// A file that could not be loaded has no tests to fail.
const unloaded = (report?.testResults ?? []).filter(
  ({ status: outcome, assertionResults }) =>
    outcome === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
);
const failed = (report?.numFailedTests ?? 0) + unloaded.length;
const endedBadly = status !== '0' || report === null || passed + failed === 0;
console.log(passed, failed === 0 && endedBadly ? 1 : failed, skipped);
