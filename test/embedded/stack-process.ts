// A process that starts a stack (PostgreSQL, and S3 if a port is given) and waits: the victim of the tests that kill it.
// Prints one line when all is ready.

import { startStack } from '../../workers/embedded/stack.ts';

const [home = '', ports = ''] = process.argv.slice(2);
const [postgres = 0, s3 = 0] = ports.split(',').map(Number);

await startStack({
  home,
  ports: { postgres, s3, temporal: 0, temporalUi: 0 },
  need: { postgres: true, s3: s3 > 0, temporal: false },
  env: process.env,
  onProgress: () => undefined,
});
console.log('ready');
