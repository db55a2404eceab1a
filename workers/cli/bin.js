#!/usr/bin/env node
// The `walflow` command. Plain JavaScript so that an old Node can still read this file and say what is missing.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `error: walflow needs Node 22.18 or newer, this is ${process.version}. hint: install a newer Node (https://nodejs.org) or run it from the checkout with \`npm start\`, which brings its own. (NODE_TOO_OLD)`,
  );
  process.exit(2);
}
// Statements of a warehouse take threads of Node's pool, and so do files, DNS and compression: four are too few.
process.env.UV_THREADPOOL_SIZE ??= '16';
const { existsSync } = await import('node:fs');
const { enableCompileCache } = await import('node:module');
// Caches compiled code: compiling takes a second of processor time at every start of every command and worker.
enableCompileCache();
const source = new URL('./main.ts', import.meta.url);
const built = new URL('../../dist/workers/cli/main.js', import.meta.url);
const { main } = await import(existsSync(source) ? source.href : built.href);
await main(process.argv.slice(2));
