// `npm run docs`: stores docs/configuration.md. A test fails while the stored page differs from the tables.

import { writeFileSync } from 'node:fs';
import { configurationPage } from './page.ts';

writeFileSync(new URL('../../docs/configuration.md', import.meta.url), configurationPage());
