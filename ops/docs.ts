// `npm run docs`: stores the pages of docs/ that are generated from tables. A test fails if a stored page differs.

import { writeFileSync } from 'node:fs';
import { configurationPage } from './configuration-page.ts';
import { errorsPage } from './errors-page.ts';

const PAGES = { 'configuration.md': configurationPage(), 'errors.md': errorsPage() };

for (const [name, text] of Object.entries(PAGES)) {
  writeFileSync(new URL(`../docs/${name}`, import.meta.url), text);
}
